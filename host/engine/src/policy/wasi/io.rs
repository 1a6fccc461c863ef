//! Streams, and waiting for them: standard input has ended, and what is written is taken at once.

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult, subscribe,
};
use wasmtime_wasi_io::bindings::wasi::io::error;

use super::super::guest::Guest;
use super::{Own, RESOURCES_MAX, Wasi};

/// The type by which errors reach the resources.
struct Errors;

impl HasData for Errors {
    type Data<'a> = &'a mut ResourceTable;
}

pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    poll::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    streams::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    error::add_to_linker::<Guest, Errors>(linker, |guest| &mut guest.wasi().resources)
}

impl poll::Host for Wasi {
    /// Everything is ready.
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.count()?;
        if !(1..=RESOURCES_MAX).contains(&pollables.len()) {
            return Err(wasmtime::Error::msg(format!(
                "it must wait for 1 to {RESOURCES_MAX} things at a time"
            )));
        }
        let mut ready = Vec::with_capacity(pollables.len());
        for (number, pollable) in (0..).zip(&pollables) {
            self.resources.get(pollable)?;
            ready.push(number);
        }
        Ok(ready)
    }
}

impl poll::HostPollable for Wasi {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.count()?;
        self.resources.get(&pollable)?;
        Ok(true)
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.count()?;
        self.resources.get(&pollable)?;
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(&mut self.resources, pollable)
    }
}

impl streams::Host for Wasi {
    fn convert_stream_error(
        &mut self,
        error: StreamError,
    ) -> wasmtime::Result<streams::StreamError> {
        streams::Host::convert_stream_error(&mut self.resources, error)
    }
}

/// Of standard input, the only one there is.
impl streams::HostInputStream for Wasi {
    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        self.count().map_err(StreamError::Trap)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Ok(self.resources.get_mut(&stream)?.read(len)?.into())
    }

    fn blocking_read(
        &mut self,
        stream: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<Vec<u8>> {
        self.read(stream, len)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        Ok(self.read(stream, len)?.len() as u64)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.skip(stream, len)
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynInputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.count()?;
        subscribe(&mut self.resources, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        self.resources.delete(stream)?;
        Ok(())
    }
}

/// Of standard output and error.
impl streams::HostOutputStream for Wasi {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.count().map_err(StreamError::Trap)?;
        Ok(self.resources.get_mut(&stream)?.check_write()? as u64)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.count().map_err(StreamError::Trap)?;
        self.resources.get_mut(&stream)?.write(bytes.into())
    }

    fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        self.write(stream, bytes)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        self.count().map_err(StreamError::Trap)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.resources.get_mut(&stream)?.write_zeroes(len)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        len: u64,
    ) -> StreamResult<()> {
        self.write_zeroes(stream, len)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.count().map_err(StreamError::Trap)?;
        self.resources.get_mut(&stream)?.flush()
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.flush(stream)
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        let permitted = self.check_write(Resource::new_borrow(to.rep()))?;
        let bytes = streams::HostInputStream::read(self, from, len.min(permitted))?;
        let len = bytes.len() as u64;
        self.write(to, bytes)?;
        Ok(len)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.splice(to, from, len)
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynOutputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.count()?;
        subscribe(&mut self.resources, stream)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        self.resources.delete(stream)?;
        Ok(())
    }
}

//! The program: no environment, no arguments, no terminal.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::pipe::ClosedInputStream;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::super::guest::Guest;
use super::output::Output;
use super::{Own, Wasi};

pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    environment::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    exit::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    stdin::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    stdout::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    stderr::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    terminal_input::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    terminal_output::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    terminal_stdin::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    terminal_stdout::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    terminal_stderr::add_to_linker::<Guest, Own>(linker, Guest::wasi)
}

impl environment::Host for Wasi {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        self.count()?;
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        self.count()?;
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(None)
    }
}

impl exit::Host for Wasi {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        self.exit_with_code(status.is_err().into())
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg(format!(
            "it ended itself with the exit code {code}"
        )))
    }
}

impl Wasi {
    fn output(&mut self, name: &'static str) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.count()?;
        let stream: DynOutputStream = Box::new(Output::new(name, &self.lines));
        Ok(self.resources.push(stream)?)
    }
}

impl stdin::Host for Wasi {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        self.count()?;
        let stream: DynInputStream = Box::new(ClosedInputStream);
        Ok(self.resources.push(stream)?)
    }
}

impl stdout::Host for Wasi {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output("stdout")
    }
}

impl stderr::Host for Wasi {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output("stderr")
    }
}

type TerminalInput = Resource<terminal_input::TerminalInput>;
type TerminalOutput = Resource<terminal_output::TerminalOutput>;

impl terminal_input::Host for Wasi {}

impl terminal_input::HostTerminalInput for Wasi {
    fn drop(&mut self, terminal: TerminalInput) -> wasmtime::Result<()> {
        self.resources.delete(terminal)?;
        Ok(())
    }
}

impl terminal_output::Host for Wasi {}

impl terminal_output::HostTerminalOutput for Wasi {
    fn drop(&mut self, terminal: TerminalOutput) -> wasmtime::Result<()> {
        self.resources.delete(terminal)?;
        Ok(())
    }
}

impl terminal_stdin::Host for Wasi {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<TerminalInput>> {
        self.count()?;
        Ok(None)
    }
}

impl terminal_stdout::Host for Wasi {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<TerminalOutput>> {
        self.count()?;
        Ok(None)
    }
}

impl terminal_stderr::Host for Wasi {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<TerminalOutput>> {
        self.count()?;
        Ok(None)
    }
}

//! The capacity of the engine alone: two engines on this machine with a kernel that decides nothing
//! and writes as much as a real one. Frames of 50 items, one in flight, durable on both sides.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_engine::runtime::{
    KernelError, KernelRunner, KernelSource, StepEnd, StepHost, StepOutput, StopKind,
};
use causeway_engine::{Engine, EngineOptions};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::table::Table;
use tokio::sync::mpsc::UnboundedReceiver;

/// Items of a frame.
const ITEMS: u64 = 50;
/// Bytes of an item in a frame.
const ITEM_BYTES: usize = 420;
/// Rows that an item writes at its receiver: 5⅓ for a post.
const ROWS_PER_THREE_ITEMS: u64 = 16;
/// Bytes of such a row.
const ROW_BYTES: usize = 160;

/// A kernel that decides nothing: a frame's items become rows, a receipt becomes the next frame.
struct Nothing;

impl KernelRunner for Nothing {
    fn digest(&self) -> [u8; 32] {
        [1; 32]
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        match codec::decode_input(input) {
            Ok(Input::Frame { .. }) => take(host),
            Ok(Input::Receipt(receipt)) => send(receipt.attempt + 1),
            Ok(_) => StepEnd::Done(done(&Reply::Done, Vec::new(), Vec::new())),
            Err(error) => StepEnd::Stopped {
                kind: StopKind::UnknownInput,
                detail: format!("{error} at {}", context.now_ms),
            },
        }
    }
}

fn done(reply: &Reply, writes: Vec<Write>, effects: Vec<Vec<u8>>) -> StepOutput {
    StepOutput {
        reply: codec::encode_reply(reply),
        writes,
        effects,
    }
}

fn take(host: &mut dyn StepHost) -> StepEnd {
    let counter = host.get_many(Table::Meta, &[vec![9]]);
    let bytes = counter.into_iter().next().flatten().unwrap_or_default();
    let first = bytes.first_chunk().map_or(0, |it| u64::from_be_bytes(*it));
    let rows = ITEMS * ROWS_PER_THREE_ITEMS / 3;
    let put = |table, key: &[u8], value: Vec<u8>| Write {
        table,
        key: key.to_vec(),
        value: Some(value),
    };
    let mut writes = vec![put(
        Table::Meta,
        &[9],
        (first + rows).to_be_bytes().to_vec(),
    )];
    for number in first..first + rows {
        writes.push(put(
            Table::Posts,
            &number.to_be_bytes(),
            vec![b'x'; ROW_BYTES],
        ));
    }
    let reply = Reply::Http {
        status: 200,
        body: b"{}".to_vec(),
    };
    StepEnd::Done(done(&reply, writes, Vec::new()))
}

fn send(attempt: u64) -> StepEnd {
    let effect = Effect::Send {
        connection: ConnectionNo(1),
        attempt,
        frame: vec![b'x'; ITEM_BYTES * 50],
    };
    let inflight = Write {
        table: Table::Rounds,
        key: 1u64.to_be_bytes().to_vec(),
        value: Some(attempt.to_be_bytes().to_vec()),
    };
    let effects = vec![codec::encode_effect(&effect)];
    StepEnd::Done(done(&Reply::Done, vec![inflight], effects))
}

struct Source;

impl KernelSource for Source {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Nothing))
    }
}

fn open(folder: &Path) -> Result<(Engine, UnboundedReceiver<Effect>)> {
    Ok(Engine::open(EngineOptions {
        data_dir: folder.to_path_buf(),
        kernel: Arc::new(Source),
        ..EngineOptions::default()
    })?)
}

/// Items per second, over `frames` frames.
pub async fn run(folder: &Path, frames: u64) -> Result<f64> {
    let (sender, mut effects) = open(&folder.join("sender"))?;
    let (receiver, _none) = open(&folder.join("receiver"))?;
    let receipt = |attempt| {
        Input::Receipt(Receipt {
            connection: ConnectionNo(1),
            attempt,
            outcome: SendOutcome::Answered(b"{}".to_vec()),
        })
    };
    sender.submit(receipt(0)).await?;
    let begun = Instant::now();
    for _ in 0..frames {
        let effect = effects.recv().await.context("the sender sends")?;
        let Effect::Send {
            attempt,
            frame,
            connection,
        } = effect
        else {
            continue;
        };
        receiver
            .submit(Input::Frame {
                connection,
                body: frame,
                skip: Vec::new(),
            })
            .await?;
        sender.submit(receipt(attempt)).await?;
    }
    let took = begun.elapsed();
    sender.shutdown().await;
    receiver.shutdown().await;
    Ok((frames * ITEMS) as f64 / took.max(Duration::from_millis(1)).as_secs_f64())
}

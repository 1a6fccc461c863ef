//! Inputs for a workspace whose service is stopped: the same engine, with many waiting inputs in one group.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use causeway_engine::runtime::{ComponentOptions, ComponentSource, Sandbox, cache_dir};
use causeway_engine::{Engine, EngineOptions};
use causeway_kernel::boundary::input::{Genesis, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::model::Config;

/// Inputs that wait at the same time for their group to become durable.
const AT_ONCE: usize = 500;

/// Opens the data directory of a stopped service.
pub async fn open(data: &Path, site_url: String) -> Result<Engine> {
    let sandbox = Sandbox::new(Some(&cache_dir(data)))?;
    let kernel = ComponentSource::embedded(sandbox, ComponentOptions::default());
    let options = EngineOptions {
        data_dir: data.to_path_buf(),
        kernel: Arc::new(kernel),
        genesis: Genesis {
            site_url,
            config: Config::default(),
        },
        ..EngineOptions::default()
    };
    let (engine, _effects) = tokio::task::spawn_blocking(|| Engine::open(options)).await??;
    Ok(engine)
}

/// Carries out inputs in their order; returns their replies.
pub async fn carry_out(
    engine: &Engine,
    inputs: impl IntoIterator<Item = Input>,
) -> Result<Vec<Reply>> {
    let mut inputs = inputs.into_iter();
    let mut replies = Vec::new();
    loop {
        let waiting: Vec<_> = (&mut inputs)
            .take(AT_ONCE)
            .map(|input| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.submit(input).await })
            })
            .collect();
        if waiting.is_empty() {
            return Ok(replies);
        }
        for one in waiting {
            replies.push(one.await??);
        }
    }
}

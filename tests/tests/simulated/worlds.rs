//! Simulated worlds whose workspaces keep their steps in the engine's own files.

use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow, ensure};
use causeway_sim::kernel::{Kernel, Release, native};
use causeway_sim::plan::Plan;
use causeway_sim::run_in;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::store::Store;
use causeway_sim::world::Watch;
use causeway_tests::simulated::store::{DiskStore, Ends};

const SEEDS: u64 = 60;

#[test]
fn what_workspaces_keep_in_files_survives_the_ends_of_their_processes() -> Result<()> {
    let ends = Arc::new(Mutex::new(Ends::default()));
    let judge = |seed| {
        let make_store = |node| -> Box<dyn Store> {
            let store = DiskStore::new(seed, node, Arc::clone(&ends));
            Box::new(store.expect("empty files can be made"))
        };
        // The files support only one kernel.
        let kernel = |_| -> Box<dyn Kernel> { native(Release::default()) };
        run_in(&make_store, &Plan::draw(seed, 2), &kernel, Watch::Judged)
    };
    run_seeds(0..SEEDS, cores(), &judge, &|_| {}).map_err(|failure| anyhow!("{failure}"))?;
    let ends = *ends.lock().unwrap();
    ensure!(
        ends.torn > SEEDS && ends.cuts > ends.torn && ends.kills > 0,
        "{ends:?}"
    );
    Ok(())
}

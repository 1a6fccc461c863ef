//! The memory of loaded policies, and of a slot after many swaps.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Place,
    PolicyChain, PolicyManager, SLOTS_MAX,
};
use causeway_engine::runtime::Sandbox;
use causeway_kernel::boundary::policy::Question;

use super::install::{CONTENT_FILTER, QUIET_HOURS, bytes};
use super::questions;
use crate::line::{Line, line};

/// Policies that one process has loaded, in as many chains as they need.
const LOADED: usize = 100;
/// Swaps after which memory counts as warm.
const WARM: usize = 200;

/// What this process takes.
#[derive(Clone, Copy)]
struct Taken {
    resident_kib: u64,
    maps: usize,
}

impl Taken {
    fn now() -> Result<Taken> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.split_whitespace().next());
        Ok(Taken {
            resident_kib: kib.context("a process has resident memory")?.parse()?,
            maps: fs::read_to_string("/proc/self/maps")?.lines().count(),
        })
    }
}

pub fn run(folder: &Path, swaps: usize) -> Result<Vec<Line>> {
    let cache = folder.join("memory-cache");
    let sandbox = Sandbox::pooled(POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Some(&cache))?;
    Ok(vec![
        loaded(&sandbox, folder, SLOTS_MAX)?,
        loaded(&sandbox, folder, LOADED)?,
        swapped(&sandbox, folder, swaps)?,
    ])
}

/// What so many policies take once each of them was asked.
fn loaded(sandbox: &Sandbox, folder: &Path, count: usize) -> Result<Line> {
    let (name, settings) = CONTENT_FILTER;
    let component = bytes(name)?;
    let before = Taken::now()?;
    let mut chains = Vec::new();
    for first in (0..count).step_by(SLOTS_MAX) {
        let data = tempfile::tempdir_in(folder)?;
        let policies = ComponentPolicies::open(sandbox.clone(), data.path())?;
        for number in first..count.min(first + SLOTS_MAX) {
            let slot = format!("filter-{number}");
            let candidate = Candidate::unsigned(&slot, &component, settings, OnFailure::Hold);
            let change = policies.prepare(&candidate, Place::InForce)?;
            policies.keep(change.kept)?;
        }
        let mut chain = policies.open()?;
        ask(chain.as_mut());
        chains.push((policies, chain));
    }
    let after = Taken::now()?;
    let kib = after.resident_kib.saturating_sub(before.resident_kib);
    Ok(line(
        format!("{count} loaded policies (a workspace takes {SLOTS_MAX})"),
        format!(
            "+{kib} KiB, +{} maps",
            after.maps.saturating_sub(before.maps)
        ),
        "",
    ))
}

/// What a slot takes after many swaps between two components.
fn swapped(sandbox: &Sandbox, folder: &Path, swaps: usize) -> Result<Line> {
    let data = tempfile::tempdir_in(folder)?;
    let policies = ComponentPolicies::open(sandbox.clone(), data.path())?;
    let both = [CONTENT_FILTER, QUIET_HOURS];
    let both = both.map(|(name, settings)| bytes(name).map(|component| (component, settings)));
    let both: Vec<_> = both.into_iter().collect::<Result<_>>()?;
    let mut chain = policies.open()?;
    let mut swap = |number: usize| -> Result<()> {
        let (component, settings) = &both[number % 2];
        let candidate = Candidate::unsigned("slot", component, settings, OnFailure::Hold);
        let change = policies.prepare(&candidate, Place::InForce)?;
        chain = change.chain;
        ask(chain.as_mut());
        policies.keep(change.kept)?;
        Ok(())
    };
    (0..WARM).try_for_each(&mut swap)?;
    let before = Taken::now()?;
    (0..swaps).try_for_each(&mut swap)?;
    let after = Taken::now()?;
    let files = fs::read_dir(data.path().join("policies"))?;
    let is_component = |it: &fs::DirEntry| it.path().extension().is_some_and(|it| it == "wasm");
    let components = files.flatten().filter(is_component).count();
    Ok(line(
        format!("{swaps} swaps of two: resident memory, maps, components on disk"),
        format!(
            "{} → {} KiB, {} → {}, {components}",
            before.resident_kib, after.resident_kib, before.maps, after.maps
        ),
        "no growth, 2",
    ))
}

fn ask(chain: &mut dyn PolicyChain) {
    chain.begin_step();
    let asked: Vec<Question<'static>> = vec![questions::post(); 3];
    chain.ask(&asked);
}

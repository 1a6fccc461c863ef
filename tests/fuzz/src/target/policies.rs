//! Components that an admin is tricked into loading: each is refused, or runs within its limits.

use std::cell::OnceCell;
use std::fs;

use causeway_engine::policy::{ComponentPolicies, OnFailure, PolicyManager};
use causeway_engine::runtime::Sandbox;
use causeway_kernel::boundary::policy::Gates;
use tempfile::TempDir;

use super::Target;
use crate::seeds::path;

pub const TARGET: Target = Target {
    name: "policies",
    run,
    seeds,
    cases: 60,
};

thread_local! {
    static POLICIES: OnceCell<(TempDir, ComponentPolicies)> = const { OnceCell::new() };
}

/// How every WebAssembly binary begins.
#[cfg(feature = "libfuzzer")]
const MAGIC: &[u8] = b"\0asm";

/// Bytes that are not a WebAssembly binary are used to generate a well-formed component.
#[cfg(feature = "libfuzzer")]
fn component(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.starts_with(MAGIC) {
        return Some(bytes.to_vec());
    }
    let mut source = arbitrary::Unstructured::new(bytes);
    let generated = wasm_smith::Component::new(wasm_smith::Config::default(), &mut source);
    Some(generated.ok()?.to_bytes())
}

/// Without the generator, components are mutations of real ones.
#[cfg(not(feature = "libfuzzer"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the other variant may generate none"
)]
fn component(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(bytes.to_vec())
}

fn run(bytes: &[u8]) {
    let Some(component) = component(bytes) else {
        return;
    };
    POLICIES.with(|policies| {
        let (_, policies) = policies.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let sandbox = Sandbox::unoptimised(None).expect("this machine runs components");
            let policies = ComponentPolicies::open(sandbox, folder.path());
            (folder, policies.expect("there are no slots yet"))
        });
        // Prepared as for loading, but nothing is stored.
        if let Ok(chains) = policies.rehearsal("any", &component, "", OnFailure::Hold) {
            assert_ne!(
                chains.open().gates(),
                Gates::default(),
                "it answers no gate"
            );
        }
        assert!(policies.states().is_empty());
    });
}

/// Policies of earlier contracts, and bytes from which to generate components.
fn seeds() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(path("fixtures/data/0.1/policies")).expect("the fixture is there");
    let mut seeds: Vec<Vec<u8>> = folder
        .map(|entry| entry.expect("a file of the fixture").path())
        .filter(|path| path.to_string_lossy().ends_with(".wasm.zst"))
        .map(|path| {
            let packed = fs::File::open(path).expect("it can be opened");
            zstd::decode_all(packed).expect("it can be unpacked")
        })
        .collect();
    let earlier = path("fixtures/policies/content-filter-0.2.wasm");
    seeds.push(fs::read(earlier).expect("the fixture is there"));
    for kind in 0..8u8 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind]);
        let mut bytes = vec![0; 2_000];
        hasher.finalize_xof().fill(&mut bytes);
        seeds.push(bytes);
    }
    seeds
}

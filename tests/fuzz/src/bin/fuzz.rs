//! Runs the target that `FUZZ_TARGET` names under libFuzzer. `make fuzz` builds and runs this with the
//! compiler's coverage instrumentation.

#![no_main]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use causeway_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

/// Selects the requested target and writes its seeds to the folder `FUZZ_SEEDS`, where libFuzzer reads
/// them as its first inputs.
fn begin() {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    let target = Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET={name} is no target"));
    let folder = PathBuf::from(env::var_os("FUZZ_SEEDS").expect("FUZZ_SEEDS names a folder"));
    fs::create_dir_all(&folder).expect("the folder of seeds can be made");
    for (number, input) in target
        .inputs()
        .expect("the corpus can be read")
        .iter()
        .enumerate()
    {
        fs::write(folder.join(format!("{number:05}")), input).expect("there is room for seeds");
    }
    // An input may take a minute; what a target needs first, such as a service with compiled components, may take longer.
    (target.run)(&[]);
    TARGET.set(target).ok().expect("libFuzzer begins once");
}

fuzz_target!(
    init: begin(),
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(bytes);
        }
    }
);

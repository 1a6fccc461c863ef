//! Builds the policy for WebAssembly and writes it as a component: `target/<name>.wasm`.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<(), Box<dyn Error>> {
    let package = env!("CARGO_PKG_NAME");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(["--package", package, "--target-dir"])
        .arg(&target)
        .status()?;
    if !built.success() {
        return Err("the build failed".into());
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    let module = fs::read(target.join(TARGET).join("release").join(file))?;
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()?;
    let path = target.join(package).with_extension("wasm");
    fs::write(&path, &component)?;
    println!("{} ({} bytes)", path.display(), component.len());
    Ok(())
}

//! Builds the guests — the kernel component and the policies — and leaves them below
//! `target/components/`. The engine embeds the kernel of the same build.
//!
//! A guest is an ordinary `cdylib` crate for `wasm32-unknown-unknown`, built by a nested cargo
//! with a target folder of its own (the outer cargo holds the lock of its folder, and the guests'
//! compiler may be another one) and turned into a component by `wit-component`. Such a component
//! imports the interfaces of its world and nothing else: no WASI.

use std::env;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A guest: its package, the file it becomes below `target/components/`, and the variable by
/// which the engine's code finds it.
struct Guest {
    package: &'static str,
    component: &'static str,
    variable: &'static str,
}

const GUESTS: &[Guest] = &[
    Guest {
        package: "causeway-kernel-component",
        component: "kernel.wasm",
        variable: "CAUSEWAY_KERNEL",
    },
    Guest {
        package: "causeway-policy-content-filter",
        component: "policies/content-filter.wasm",
        variable: "CAUSEWAY_POLICY_CONTENT_FILTER",
    },
    Guest {
        package: "causeway-policy-testing",
        component: "testing/policy.wasm",
        variable: "CAUSEWAY_POLICY_TESTING",
    },
    Guest {
        package: "causeway-policy-testing-wasi",
        component: "testing/policy-wasi.wasm",
        variable: "CAUSEWAY_POLICY_TESTING_WASI",
    },
];

/// What the guests are made of, below the workspace's root.
const SOURCES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "kernel",
    "policies",
    "wit",
    "host/engine/toolchain.sh",
];

const TARGET: &str = "wasm32-unknown-unknown";

/// Cargo's profile of the guests, in the workspace's manifest.
const PROFILE: &str = "guest";

/// Chooses where the target's standard library comes from; see `toolchain.sh`.
const ROUTE_VARIABLE: &str = "CAUSEWAY_GUEST_TOOLCHAIN";

/// Settings of the outer build that must not reach the nested one.
const FOREIGN_VARIABLES: &[&str] = &[
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

fn main() -> Result<()> {
    let root = workspace_root()?;
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    println!("cargo::rerun-if-env-changed={ROUTE_VARIABLE}");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = target_dir(&out)?;
    let rustc = guest_rustc(&root)?;
    let modules = build_guests(&root, &target, &rustc)?;
    for guest in GUESTS {
        let module = modules.join(format!("{}.wasm", guest.package.replace('-', "_")));
        let component = encode(&module)?;
        let visible = target.join("components").join(guest.component);
        write_if_changed(&visible, &component)?;
        println!("cargo::rerun-if-changed={}", visible.display());
        // The engine embeds a copy that no other build can change under it.
        let embedded = out.join(guest.component.replace('/', "-"));
        write_if_changed(&embedded, &component)?;
        println!("cargo::rustc-env={}={}", guest.variable, embedded.display());
    }
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}

fn workspace_root() -> Result<PathBuf> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = package
        .ancestors()
        .nth(2)
        .ok_or("the engine stands in host/engine")?;
    Ok(root.to_path_buf())
}

/// Cargo's target folder, which it marks as a cache.
fn target_dir(out: &Path) -> Result<PathBuf> {
    let marked = out
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    // …/target/release/build/<package>/out
    let folder = marked.or_else(|| out.ancestors().nth(4));
    Ok(folder
        .ok_or("the build folder has no target folder")?
        .to_path_buf())
}

/// The compiler for guests: the one at hand, or one that the script has made ready.
fn guest_rustc(root: &Path) -> Result<PathBuf> {
    let script = root.join("host/engine/toolchain.sh");
    let output = Command::new("bash")
        .arg(&script)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", script.display()))?;
    if !output.status.success() {
        return Err("no compiler for WebAssembly guests; see the lines above".into());
    }
    let path = String::from_utf8(output.stdout)?;
    Ok(PathBuf::from(path.trim()))
}

/// Builds every guest and returns the folder of their modules.
fn build_guests(root: &Path, target: &Path, rustc: &Path) -> Result<PathBuf> {
    let folder = guests_dir(target, rustc)?;
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(root)
        .args([
            "build",
            "--locked",
            "--profile",
            PROFILE,
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&folder);
    for guest in GUESTS {
        cargo.args(["--package", guest.package]);
    }
    // What the outer cargo (or clippy) set for its own compiler is not for this one.
    for name in FOREIGN_VARIABLES {
        cargo.env_remove(name);
    }
    cargo
        .env("RUSTC", rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", guest_flags(root).join("\u{1f}"));
    let status = cargo
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .status()?;
    if !status.success() {
        return Err("the guests do not build; see the lines above".into());
    }
    Ok(folder.join(TARGET).join(PROFILE))
}

/// The guests' target folder. Cargo does not notice when a sysroot was made anew, so each
/// compiler has a folder of its own.
fn guests_dir(target: &Path, rustc: &Path) -> Result<PathBuf> {
    let private = rustc.components().count() > 1 && rustc.ends_with(".toolchain/bin/rustc");
    Ok(target.join(if private { "guests-debian" } else { "guests" }))
}

/// Flags of the guests' compiler. Panics name their source: without the remapping the component
/// would hold the paths of this machine and differ from folder to folder. Vectors of 128 bits are
/// part of WebAssembly and give the same on every processor; they make the kernel's steps a
/// twentieth faster.
fn guest_flags(root: &Path) -> Vec<String> {
    let home = env::var("HOME").unwrap_or_default();
    let cargo_home = env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let remap = |from: &str, to: &str| format!("--remap-path-prefix={from}={to}");
    vec![
        remap(&root.display().to_string(), "/causeway"),
        remap(&cargo_home, "/cargo"),
        "-Ctarget-feature=+simd128".into(),
    ]
}

fn encode(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("{}: {error:#}", module.display()))?;
    Ok(component)
}

/// Writes a file in one piece, and leaves it alone when it has these bytes already.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    match fs::read(path) {
        Ok(found) if found == bytes => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    }
    let folder = path.parent().ok_or("a file stands in a folder")?;
    fs::create_dir_all(folder)?;
    let half = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&half, bytes)?;
    // Cargo runs this again when the file is gone, but would do so too when it is newer than this
    // run: so it is dated back.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    fs::File::options()
        .write(true)
        .open(&half)?
        .set_modified(old)?;
    fs::rename(&half, path)?;
    Ok(())
}

//! Builds the guests — the kernel component and the policies — into `target/components/`. The
//! engine embeds the kernel of the same build.
//!
//! A guest is an ordinary `cdylib` crate for `wasm32-unknown-unknown`, built by a nested cargo
//! with its own target folder (the outer cargo holds the lock on its folder, and the guests'
//! compiler may differ) and turned into a component by `wit-component`. The component imports the
//! interfaces of its world and nothing else: no WASI.

use std::env;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A guest: its package, its file below `target/components/`, and the variable through which the
/// engine's code finds it.
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
        package: "causeway-policy-dm-gate",
        component: "policies/dm-gate.wasm",
        variable: "CAUSEWAY_POLICY_DM_GATE",
    },
    Guest {
        package: "causeway-policy-file-gate",
        component: "policies/file-gate.wasm",
        variable: "CAUSEWAY_POLICY_FILE_GATE",
    },
    Guest {
        package: "causeway-policy-mention-gate",
        component: "policies/mention-gate.wasm",
        variable: "CAUSEWAY_POLICY_MENTION_GATE",
    },
    Guest {
        package: "causeway-policy-plugin-gate",
        component: "policies/plugin-gate.wasm",
        variable: "CAUSEWAY_POLICY_PLUGIN_GATE",
    },
    Guest {
        package: "causeway-policy-profile-privacy",
        component: "policies/profile-privacy.wasm",
        variable: "CAUSEWAY_POLICY_PROFILE_PRIVACY",
    },
    Guest {
        package: "causeway-policy-quiet-hours",
        component: "policies/quiet-hours.wasm",
        variable: "CAUSEWAY_POLICY_QUIET_HOURS",
    },
    Guest {
        package: "causeway-policy-template",
        component: "policies/template.wasm",
        variable: "CAUSEWAY_POLICY_TEMPLATE",
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

/// What the guests are built from, relative to the workspace root.
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

/// Cargo profile of the guests, defined in the workspace manifest.
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
        // The engine embeds a copy that no concurrent build can change.
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
        .ok_or("the engine is not in host/engine")?;
    Ok(root.to_path_buf())
}

/// Cargo's target folder, recognized by its cache marker.
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

/// The compiler for guests: the installed one, or one that the script has prepared.
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
    // What the outer cargo (or clippy) set for its own compiler does not apply to this one.
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
        return Err("building the guests failed; see the lines above".into());
    }
    Ok(folder.join(TARGET).join(PROFILE))
}

/// The guests' target folder. Cargo does not notice when a sysroot was rebuilt, so each compiler
/// has its own folder.
fn guests_dir(target: &Path, rustc: &Path) -> Result<PathBuf> {
    let private = rustc.components().count() > 1 && rustc.ends_with(".toolchain/bin/rustc");
    Ok(target.join(if private { "guests-debian" } else { "guests" }))
}

/// Flags of the guests' compiler. Panics name their source file: without the remapping the
/// component would contain the paths of this machine and depend on the build folder. 128-bit SIMD
/// is part of WebAssembly and deterministic on every processor; it makes the kernel's steps 5 %
/// faster.
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

/// Writes a file atomically, unless it already has this content.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    match fs::read(path) {
        Ok(found) if found == bytes => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    }
    let folder = path.parent().ok_or("the path has no parent folder")?;
    fs::create_dir_all(folder)?;
    let half = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&half, bytes)?;
    // Cargo reruns this script when the file is gone, but also when it is newer than this run: so
    // it is backdated.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    fs::File::options()
        .write(true)
        .open(&half)?
        .set_modified(old)?;
    fs::rename(&half, path)?;
    Ok(())
}

//! `causeway policy keygen` and `causeway policy sign`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use causeway_engine::policy::{ComponentPolicies, PrivateKey, SIGNATURE_BYTES_MAX};
use causeway_engine::runtime::Sandbox;
use clap::Args;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::cli::terminal;

/// Maximum bytes of a key's file.
const KEY_BYTES_MAX: u64 = 4 << 10;

#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// File for the private key, readable by this user only; refused if it exists.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct SignArgs {
    /// File of the component; the signature is written beside it, with `.sig` appended.
    component: PathBuf,
    /// File of the private key: PKCS#8 in PEM, as `causeway policy keygen` and OpenSSL write it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Makes a key and prints its public key.
pub fn generate(args: &KeygenArgs) -> Result<ExitCode> {
    let (key, pem) = PrivateKey::generate()?;
    let mut options = File::options();
    let options = options.write(true).create_new(true).mode(0o600);
    let path = args.file.display();
    let mut file = options
        .open(&args.file)
        .with_context(|| format!("creating {path}"))?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("writing {path}"))?;
    println!("{}", key.public()?);
    Ok(ExitCode::SUCCESS)
}

/// Signs a component.
pub fn sign(args: &SignArgs) -> Result<ExitCode> {
    let path = args.key.display();
    let pem = read_key(&args.key).with_context(|| format!("reading the key {path}"))?;
    let key = PrivateKey::of_pem(&pem).with_context(|| format!("reading the key {path}"))?;
    let component = super::read(&args.component)?;
    let empty = TempDir::new().context("creating a directory for the policy")?;
    let policies = ComponentPolicies::open(Sandbox::new(None)?, empty.path())?;
    let manifest = policies.manifest(&component)?;
    let signature = manifest.sign(&key)?;
    let file = beside(&args.component);
    std::fs::write(&file, signature).with_context(|| format!("writing {}", file.display()))?;
    terminal::line(format_args!(
        "{}: {} {}, built for {}, is signed with the key {}",
        file.display(),
        manifest.name,
        manifest.version,
        manifest.contract,
        key.public()?
    ));
    Ok(ExitCode::SUCCESS)
}

fn read_key(path: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?
        .take(KEY_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > KEY_BYTES_MAX {
        bail!("it is larger than {KEY_BYTES_MAX} bytes, so it is no key");
    }
    Ok(text)
}

/// The signature file that is to be sent with a component: the given one, or the one beside it if there is one.
pub fn signature(component: &Path, given: Option<&Path>) -> Result<Option<String>> {
    let path = given.map_or_else(|| beside(component), Path::to_path_buf);
    let file = match File::open(&path) {
        Err(error) if given.is_none() && error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("reading {}", path.display()))?,
    };
    let mut text = String::new();
    let read = file
        .take(SIGNATURE_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text);
    read.with_context(|| format!("reading {}", path.display()))?;
    if text.len() > SIGNATURE_BYTES_MAX {
        bail!(
            "{} is larger than {SIGNATURE_BYTES_MAX} bytes, so it is no signature",
            path.display()
        );
    }
    Ok(Some(text))
}

/// Where the signature of a component stands.
fn beside(component: &Path) -> PathBuf {
    let mut path = OsString::from(component);
    path.push(".sig");
    path.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_key_is_private_and_no_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let args = KeygenArgs {
            file: folder.path().join("key"),
        };
        generate(&args).unwrap();
        let mode = args.file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let pem = read_key(&args.file).unwrap();
        assert!(PrivateKey::of_pem(&pem).is_ok());
        assert!(generate(&args).is_err());
        assert_eq!(read_key(&args.file).unwrap(), pem);
    }

    #[test]
    fn the_signature_beside_a_component_is_found_and_a_named_one_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("a.wasm");
        assert_eq!(signature(&component, None).unwrap(), None);
        let named = folder.path().join("b");
        assert!(signature(&component, Some(&named)).is_err());
        std::fs::write(folder.path().join("a.wasm.sig"), "beside").unwrap();
        std::fs::write(&named, "named").unwrap();
        let found = |given| signature(&component, given).unwrap().unwrap();
        assert_eq!(found(None), "beside");
        assert_eq!(found(Some(&*named)), "named");
        std::fs::write(&named, "x".repeat(SIGNATURE_BYTES_MAX + 1)).unwrap();
        assert!(signature(&component, Some(&named)).is_err());
        std::fs::write(&named, "x".repeat(5 << 10)).unwrap();
        assert!(read_key(&named).is_err());
    }
}

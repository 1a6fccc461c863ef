//! Compiled components on disk, so that a restart does not have to compile them.
//!
//! Compiled code is machine code and has to be trusted. So the folder is private to the service (mode
//! 0700), a file name is a digest of the WebAssembly and of everything that the compiler's output
//! depends on, and the content must match the digest at its start. Anybody who can write to the
//! folder can write to the service's data anyway. After any error of the cache, the component is
//! simply compiled.

use std::fs::{self, DirBuilder, File, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Maximum number of files; the oldest are deleted.
const FILES_MAX: usize = 32;

/// Accessible to the service only.
const FOLDER_MODE: u32 = 0o700;

const DIGEST_BYTES: usize = blake3::OUT_LEN;

/// A folder of compiled components.
#[derive(Debug)]
pub struct CompiledCache {
    folder: PathBuf,
    /// Digest of the compiler's version, its settings and the processor.
    compiler: blake3::Hash,
    hits: AtomicU64,
}

/// Number of files that this process wrote. It may have several caches of one folder; if two of them
/// used the same name for their unfinished files, one component could end up in place of another.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

impl CompiledCache {
    /// The cache of a folder, which is created when it is first written to.
    pub(super) fn new(folder: &Path, engine: &Engine) -> CompiledCache {
        let mut hasher = DigestHasher(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        CompiledCache {
            folder: folder.to_path_buf(),
            compiler: hasher.0.finalize(),
            hits: AtomicU64::new(0),
        }
    }

    /// Takes a component from the cache, or compiles it and adds it to the cache.
    pub(super) fn load(&self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(wasm);
        match self.read(engine, &path) {
            Ok(component) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Ok(component);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, "cannot load a compiled component; compiling it again");
            }
        }
        let component = Component::from_binary(engine, wasm)?;
        if let Err(error) = self.write(&path, &component.serialize()?) {
            tracing::warn!(%error, "cannot store a compiled component; the next start compiles it again");
        }
        Ok(component)
    }

    /// Whether there is a file of the compiled component; it is only validated when it is read.
    pub(super) fn has(&self, wasm: &[u8]) -> bool {
        self.path(wasm).is_file()
    }

    /// How many components were taken from the folder.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    fn path(&self, wasm: &[u8]) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.compiler.as_bytes());
        hasher.update(blake3::hash(wasm).as_bytes());
        self.folder
            .join(format!("{}.cwasm", hasher.finalize().to_hex()))
    }

    fn read(&self, engine: &Engine, path: &Path) -> io::Result<Component> {
        let damaged = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let bytes = fs::read(path)?;
        self.make_private()?;
        let (digest, compiled) = bytes
            .split_at_checked(DIGEST_BYTES)
            .ok_or_else(|| damaged("the file is truncated".to_owned()))?;
        if blake3::hash(compiled).as_bytes().as_slice() != digest {
            return Err(damaged("the file does not match its checksum".into()));
        }
        deserialize(engine, compiled).map_err(|error| damaged(format!("{error:#}")))
    }

    fn write(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.folder)?;
        self.make_private()?;
        let mut bytes = blake3::hash(compiled).as_bytes().to_vec();
        bytes.extend_from_slice(compiled);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let half = self
            .folder
            .join(format!("{}-{number}.tmp", std::process::id()));
        let mut file = File::options().write(true).create_new(true).open(&half)?;
        // Root may replay while the service, which owns the folder, is running.
        let (folder, own) = (fs::metadata(&self.folder)?, file.metadata()?);
        if own.uid() != folder.uid() {
            fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
        }
        file.write_all(&bytes)?;
        fs::rename(&half, path)?;
        self.prune()
    }

    /// Fails if the folder belongs to another user.
    fn make_private(&self) -> io::Result<()> {
        let mode = fs::metadata(&self.folder)?.permissions().mode();
        if mode & 0o777 != FOLDER_MODE {
            fs::set_permissions(&self.folder, Permissions::from_mode(FOLDER_MODE))?;
        }
        Ok(())
    }

    fn prune(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES_MAX);
        for (_, path) in files.iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

#[allow(
    unsafe_code,
    reason = "the one place where compiled code is loaded: see this module's contract"
)]
fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are the output of `Component::serialize`: their digest confirms it, and they
    // come from a folder that only this service writes to. The file name binds them to an engine of
    // the same version and settings, which the engine checks once more.
    unsafe { Component::deserialize(engine, compiled) }
}

/// Adapts a digest to the standard library's hashing.
struct DigestHasher(blake3::Hasher);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        digest
            .as_bytes()
            .iter()
            .take(8)
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

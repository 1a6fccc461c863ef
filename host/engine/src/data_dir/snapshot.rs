//! A snapshot: a file with all rows as of one entry, from which a replay can start when older
//! segments of the journal are gone.
//!
//! Named `<sequence number>.snapshot`: magic, length and bytes of the position, rows in ascending
//! order of table and key (table code, lengths, key, value), a zero, a digest of everything before
//! it.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use causeway_kernel::rows::table::Table;

use crate::disk::sync_folder;
use crate::store::{Position, TablesError, View};

/// Identifies the format: eight bytes, the last one its version.
const MAGIC: &[u8; 8] = b"CWSNAP\0\x01";

/// Maximum bytes of a key or value; a longer one is damage.
const FIELD_BYTES_MAX: u32 = 64 << 20;

/// A row.
pub type Row = (Table, Vec<u8>, Vec<u8>);

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The operating system reported an error.
    #[error("the snapshot cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be loaded into tables.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

/// The snapshots of a folder, in ascending order.
///
/// # Errors
/// Those of the operating system.
pub fn snapshots(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_snapshot = path.extension().is_some_and(|it| it == "snapshot");
        let number = path.file_stem().and_then(|it| it.to_str()?.parse().ok());
        if let (true, Some(seq)) = (is_snapshot, number) {
            found.push((seq, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the rows of a view as of a position, atomically and durably.
///
/// # Errors
/// Those of the operating system; nothing is left behind then that would be taken for a snapshot.
pub fn write(folder: &Path, view: &View, position: &Position) -> io::Result<PathBuf> {
    let path = folder.join(format!("{:020}.snapshot", position.seq));
    let half = path.with_extension("tmp");
    let mut out = DigestWriter::new(BufWriter::new(File::create(&half)?));
    out.rows(view, position)?;
    let digest = *out.hasher.finalize().as_bytes();
    let mut file = out.inner;
    file.write_all(&digest)?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&half, &path)?;
    sync_folder(folder)?;
    Ok(path)
}

/// Digest of all rows of a view, as a snapshot's trailer would have it.
///
/// # Errors
/// If the rows cannot be read.
pub fn digest(view: &View, position: &Position) -> io::Result<[u8; 32]> {
    let mut out = DigestWriter::new(io::sink());
    out.rows(view, position)?;
    Ok(*out.hasher.finalize().as_bytes())
}

/// Reads a snapshot row by row.
pub struct SnapshotReader {
    input: DigestReader<BufReader<File>>,
    position: Position,
    is_over: bool,
}

impl SnapshotReader {
    /// Opens a snapshot.
    ///
    /// # Errors
    /// If it cannot be read, or is not a snapshot.
    pub fn open(path: &Path) -> Result<SnapshotReader, SnapshotError> {
        let mut input = DigestReader {
            inner: BufReader::new(File::open(path)?),
            hasher: blake3::Hasher::new(),
        };
        let mut magic = [0; 8];
        input.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(SnapshotError::Damaged(
                "it does not start with the magic bytes of a snapshot",
            ));
        }
        let position = input.field()?;
        let position = postcard::from_bytes(&position)
            .map_err(|_| SnapshotError::Damaged("its position cannot be decoded"))?;
        Ok(SnapshotReader {
            input,
            position,
            is_over: false,
        })
    }

    /// The entry as of which it holds the rows.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    fn read_row(&mut self) -> Result<Option<Row>, SnapshotError> {
        let mut code = [0];
        self.input.read_exact(&mut code)?;
        let [code] = code;
        if code == 0 {
            self.is_over = true;
            let found = *self.input.hasher.finalize().as_bytes();
            let mut digest = [0; 32];
            self.input.inner.read_exact(&mut digest)?;
            return if digest == found {
                Ok(None)
            } else {
                Err(SnapshotError::Damaged("its digest does not match"))
            };
        }
        let table = Table::from_code(code).ok_or(SnapshotError::Damaged(
            "it names a table that does not exist",
        ))?;
        Ok(Some((table, self.input.field()?, self.input.field()?)))
    }
}

impl Iterator for SnapshotReader {
    type Item = Result<Row, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let row = self.read_row();
        self.is_over |= row.is_err();
        row.transpose()
    }
}

/// The digest at the end of a snapshot.
///
/// # Errors
/// If it cannot be read.
pub fn trailer(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    io::Seek::seek(&mut file, io::SeekFrom::End(-32))?;
    let mut digest = [0; 32];
    file.read_exact(&mut digest)?;
    Ok(digest)
}

struct DigestWriter<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> DigestWriter<W> {
    fn new(inner: W) -> DigestWriter<W> {
        DigestWriter {
            inner,
            hasher: blake3::Hasher::new(),
        }
    }

    /// Writes everything before the trailer.
    fn rows(&mut self, view: &View, position: &Position) -> io::Result<()> {
        self.write_all(MAGIC)?;
        let position = postcard::to_allocvec(position).map_err(io::Error::other)?;
        self.field(&position)?;
        for table in Table::ALL {
            view.all_rows(u64::MAX, *table, |key, value| {
                self.write_all(&[table.code()])?;
                self.field(key)?;
                self.field(value)
            })?;
        }
        self.write_all(&[0])
    }

    fn field(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.write_all(&length.to_le_bytes())?;
        self.write_all(bytes)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct DigestReader<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> DigestReader<R> {
    fn field(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let mut length = [0; 4];
        self.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > FIELD_BYTES_MAX {
            return Err(SnapshotError::Damaged("a row exceeds the maximum length"));
        }
        let mut bytes = vec![0; length as usize];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.hasher.update(out.get(..read).unwrap_or_default());
        Ok(read)
    }
}

//! Rows with a schema, and typed reads of them over any storage.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::boundary::codec;
use crate::boundary::env::{Range, Rows};
use crate::boundary::texts::{HasTexts, TextVisitor};
use crate::rows::key::{self, KeyPart, RowKey};
use crate::rows::table::{Subject, Table};

/// A row with a schema: its properties from the list of tables, in addition to its own type. Its value is a
/// version byte and postcard; rows of older versions are upgraded when they are read and stored in the
/// current version when they are written.
pub trait Record: Serialize + DeserializeOwned + HasTexts {
    /// Its table.
    const TABLE: Table;
    /// Current version.
    const VERSION: u8 = 1;
    /// Its key.
    type Key: KeyPart;

    /// Reads a row of an older version.
    #[must_use]
    fn upgrade(_version: u8, _bytes: &[u8]) -> Option<Self> {
        None
    }

    /// Shows every text of a key to `visitor`.
    fn key_texts(key: &mut Self::Key, visitor: &mut dyn TextVisitor);

    /// The subjects of a row, from its key and, unless it is deleted, its content.
    fn subjects(key: &Self::Key, row: Option<&Self>) -> Vec<Subject>;

    /// Encodes the row.
    fn to_bytes(&self) -> Vec<u8> {
        // Serialising plain data into a vector cannot fail; an empty row would be noticed when read.
        codec::versioned(Self::VERSION, self).unwrap_or_default()
    }

    /// Decodes the row.
    #[must_use]
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, body) = bytes.split_first()?;
        if *version == Self::VERSION {
            postcard::from_bytes(body).ok()
        } else {
            Self::upgrade(*version, body)
        }
    }
}

/// Typed reads over any [`Rows`].
pub trait Read: Rows {
    /// One row.
    fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        let mut row = None;
        self.look(R::TABLE, RowKey::of(key), &mut |bytes| {
            row = bytes.and_then(R::from_bytes);
        });
        row
    }

    /// Whether a row exists.
    fn has<R: Record>(&self, key: &R::Key) -> bool {
        let mut found = false;
        self.look(R::TABLE, RowKey::of(key), &mut |bytes| {
            found = bytes.is_some();
        });
        found
    }

    /// Several rows, in the order of the keys.
    fn get_all<R: Record>(&self, keys: &[R::Key]) -> Vec<Option<R>> {
        let keys: Vec<Vec<u8>> = keys.iter().map(key::encode).collect();
        let found = self.get_many(R::TABLE, &keys);
        found
            .iter()
            .map(|bytes| R::from_bytes(bytes.as_deref()?))
            .collect()
    }

    /// Rows whose key starts with `prefix`, in ascending order, at most `rows_max`.
    fn prefix<R: Record, P: KeyPart>(&self, prefix: &P, rows_max: u32) -> Vec<(R::Key, R)> {
        let from = key::encode(prefix);
        let to = key::prefix_end(&from).unwrap_or_default();
        self.rows::<R>(&Range {
            from,
            to,
            reverse: false,
            rows_max,
            bytes_max: SCAN_BYTES_MAX,
        })
    }

    /// Rows of a range, decoded; rows that do not decode are left out.
    fn rows<R: Record>(&self, range: &Range) -> Vec<(R::Key, R)> {
        let found = self.scan(R::TABLE, range).rows;
        found
            .iter()
            .filter_map(|(k, v)| Some((key::decode::<R::Key>(k)?, R::from_bytes(v)?)))
            .collect()
    }
}

impl<T: Rows + ?Sized> Read for T {}

/// Maximum bytes that a typed scan returns at once.
pub const SCAN_BYTES_MAX: u32 = 4 << 20;

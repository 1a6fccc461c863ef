//! A checksum before every value in the tables, over table, key and value: redb verifies its pages when
//! it repairs, not when it reads, so a flipped bit would be taken for data.

use super::error::TablesError;

/// A value as it is stored in the tables.
pub(super) fn seal(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    [checksum(table, key, value).as_slice(), value].concat()
}

/// Verifies and unwraps a stored value.
///
/// # Errors
/// If it is not what was written.
pub(super) fn unseal<'v>(
    table: &str,
    key: &[u8],
    sealed: &'v [u8],
) -> Result<&'v [u8], TablesError> {
    match sealed.split_first_chunk() {
        Some((found, value)) if *found == checksum(table, key, value) => Ok(value),
        _ => Err(TablesError::damage("a row is not what was written")),
    }
}

fn checksum(table: &str, key: &[u8], value: &[u8]) -> [u8; 4] {
    let mut checksum = crc32fast::Hasher::new();
    for name in [table.as_bytes(), key] {
        checksum.update(&(name.len() as u64).to_le_bytes());
        checksum.update(name);
    }
    checksum.update(value);
    checksum.finalize().to_le_bytes()
}

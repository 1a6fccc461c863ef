//! Pictures for tests.

use std::fs::File;
use std::io::{Cursor, Seek, Write};

use image::{DynamicImage, ImageFormat};

/// A file with these bytes, as they would be read from the store.
pub(crate) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// The bytes of a picture in a format.
pub(crate) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

//! Pictures of custom emoji: within a square, as PNG.

use std::fs::File;
use std::io;

use image::codecs::png::PngEncoder;

use crate::pictures;

/// Maximum width and height in pixels: those of the reference.
const SIDE_PIXELS_MAX: u32 = 128;

/// The picture of an emoji that is made of any picture: upright, scaled down if it is larger. Of an animation, the first
/// picture is taken.
///
/// # Errors
/// `Other` if it cannot be decoded or is too large for that, otherwise those of the operating system.
pub fn from_picture(picture: File) -> io::Result<Vec<u8>> {
    let decoded = pictures::decode(picture).map_err(io::Error::other)?;
    let fits = decoded.width() <= SIDE_PIXELS_MAX && decoded.height() <= SIDE_PIXELS_MAX;
    let scaled = if fits {
        decoded
    } else {
        decoded.thumbnail(SIDE_PIXELS_MAX, SIDE_PIXELS_MAX)
    };
    let mut png = Vec::new();
    let written = scaled
        .into_rgba8()
        .write_with_encoder(PngEncoder::new(&mut png));
    written.map_err(io::Error::other)?;
    Ok(png)
}

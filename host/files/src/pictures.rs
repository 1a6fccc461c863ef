//! Dimensions and scaled versions of pictures. Their bytes are anybody's: what is decoded is limited in bytes,
//! pixels and memory.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits};

/// Maximum bytes of a picture that is decoded; decoders may hold all of them in memory.
pub const PICTURE_BYTES_MAX: u64 = 32 << 20;
/// Maximum pixels of a picture that is decoded: those of the reference's `MaxImageResolution`.
pub const PICTURE_PIXELS_MAX: u64 = 7680 * 4320;
/// Maximum memory that a decoder may allocate, in bytes: room for the pixels with 16 bits a channel.
const DECODER_BYTES_MAX: u64 = PICTURE_PIXELS_MAX * 8;
/// Quality of JPEG pictures that are made here, in percent.
const JPEG_QUALITY: u8 = 85;

/// A scaled version of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// For viewing.
    Preview,
    /// For lists.
    Thumbnail,
}

impl Scale {
    /// Maximum width and height in pixels: those of the reference.
    const fn limits(self) -> (u32, u32) {
        match self {
            Scale::Preview => (1920, 1080),
            Scale::Thumbnail => (120, 100),
        }
    }

    /// Its name among what is derived from the picture.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scale::Preview => "preview",
            Scale::Thumbnail => "thumbnail",
        }
    }
}

/// Width and height of a picture as it is shown, from its header; `None` if it is not a picture, or too large
/// to be decoded.
#[must_use]
pub fn dimensions(file: File) -> Option<(u32, u32)> {
    if file.metadata().ok()?.len() > PICTURE_BYTES_MAX {
        return None;
    }
    let mut decoder = decoder(file).ok()?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Some(if turned {
        (height, width)
    } else {
        (width, height)
    })
}

/// Writes a scaled version of a picture: PNG if it has transparent parts, otherwise JPEG.
///
/// # Errors
/// `InvalidData` if it cannot be decoded, otherwise those of the operating system.
pub fn scale(picture: File, scale: Scale, out: &mut File) -> io::Result<()> {
    let decoded = decode(picture).map_err(io::Error::other)?;
    let (width, height) = scale.limits();
    let fits = decoded.width() <= width && decoded.height() <= height;
    let scaled = if fits {
        decoded
    } else {
        decoded.thumbnail(width, height)
    };
    let mut out = BufWriter::new(out);
    let written = if scaled.color().has_alpha() {
        scaled
            .into_rgba8()
            .write_with_encoder(PngEncoder::new(&mut out))
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
        scaled.into_rgb8().write_with_encoder(encoder)
    };
    written.map_err(io::Error::other)?;
    out.flush()
}

/// The media type of a scaled version that begins with these bytes.
#[must_use]
pub fn media_type(first_bytes: &[u8]) -> &'static str {
    if first_bytes.starts_with(b"\x89PNG") {
        "image/png"
    } else {
        "image/jpeg"
    }
}

/// The pixels of a picture, upright.
pub(crate) fn decode(file: File) -> ImageResult<DynamicImage> {
    let mut decoder = decoder(file)?;
    let orientation = decoder.orientation()?;
    let mut decoded = DynamicImage::from_decoder(decoder)?;
    decoded.apply_orientation(orientation);
    Ok(decoded)
}

/// The decoder of a picture whose header was read and whose pixels are not too many.
fn decoder(file: File) -> ImageResult<impl ImageDecoder> {
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX {
        return Err(image::ImageError::Limits(
            image::error::LimitError::from_kind(image::error::LimitErrorKind::DimensionError),
        ));
    }
    Ok(decoder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Seek};

    use image::{ImageFormat, RgbImage, RgbaImage};

    use super::*;
    use crate::testing::{encoded, file};

    fn scaled(bytes: &[u8], to: Scale) -> io::Result<Vec<u8>> {
        let (mut out, mut made) = (tempfile::tempfile().unwrap(), Vec::new());
        scale(file(bytes), to, &mut out)?;
        out.rewind().unwrap();
        out.read_to_end(&mut made).unwrap();
        Ok(made)
    }

    #[test]
    fn pictures_are_scaled_down_and_never_up() {
        let large = DynamicImage::ImageRgb8(RgbImage::new(400, 200));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let bytes = encoded(&large, format);
            assert_eq!(dimensions(file(&bytes)), Some((400, 200)), "{format:?}");
            let small = scaled(&bytes, Scale::Thumbnail).unwrap();
            assert_eq!(dimensions(file(&small)), Some((120, 60)), "{format:?}");
            let preview = scaled(&bytes, Scale::Preview).unwrap();
            assert_eq!(dimensions(file(&preview)), Some((400, 200)), "{format:?}");
        }
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::new(9, 9));
        let made = scaled(&encoded(&clear, ImageFormat::Png), Scale::Preview).unwrap();
        assert_eq!(media_type(&made), "image/png");
        let opaque = DynamicImage::ImageRgb8(RgbImage::new(9, 9));
        let made = scaled(&encoded(&opaque, ImageFormat::Png), Scale::Preview).unwrap();
        assert_eq!(media_type(&made), "image/jpeg");
    }

    #[test]
    fn a_small_file_that_claims_a_huge_picture_is_not_decoded() {
        // The header of a PNG of 60,000 by 60,000 pixels, without any pixels.
        let mut bomb = encoded(
            &DynamicImage::ImageRgb8(RgbImage::new(1, 1)),
            ImageFormat::Png,
        );
        let header = bomb.get_mut(12..33).unwrap();
        for (at, side) in [(4, 60_000_u32), (8, 60_000)] {
            header
                .get_mut(at..at + 4)
                .unwrap()
                .copy_from_slice(&side.to_be_bytes());
        }
        let crc = crc32(header.get(..17).unwrap());
        header
            .get_mut(17..)
            .unwrap()
            .copy_from_slice(&crc.to_be_bytes());
        assert!(
            ImageReader::new(io::Cursor::new(&bomb))
                .with_guessed_format()
                .unwrap()
                .into_dimensions()
                .is_ok_and(|found| found == (60_000, 60_000))
        );
        assert_eq!(dimensions(file(&bomb)), None);
        assert!(scaled(&bomb, Scale::Thumbnail).is_err());
    }

    /// The checksum of a PNG's chunk.
    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
        !bytes.iter().fold(u32::MAX, byte)
    }

    #[test]
    fn what_is_no_picture_has_no_dimensions() {
        for bytes in [&b"<svg onload=x>"[..], b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
            assert_eq!(dimensions(file(bytes)), None);
            assert!(scaled(bytes, Scale::Preview).is_err());
        }
        let far_too_long = file(b"");
        far_too_long.set_len(PICTURE_BYTES_MAX + 1).unwrap();
        assert_eq!(dimensions(far_too_long), None);
    }
}

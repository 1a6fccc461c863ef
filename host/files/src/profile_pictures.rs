//! Profile pictures: squares of one size, as PNG.

use std::fs::File;
use std::io;

use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};

use crate::pictures;

/// Width and height in pixels: those of the reference.
pub const SIDE_PIXELS: u32 = 128;
/// How many times larger than in the font a letter is shown.
const LETTER_SCALE: u32 = 3;
/// Backgrounds of generated pictures; white letters are legible on all of them.
const BACKGROUNDS: [[u8; 3]; 12] = [
    [0x8e, 0x3b, 0x46],
    [0xa0, 0x45, 0x1e],
    [0x7a, 0x5c, 0x12],
    [0x4f, 0x6b, 0x1f],
    [0x1f, 0x6f, 0x4a],
    [0x12, 0x6c, 0x70],
    [0x1f, 0x5f, 0x8b],
    [0x33, 0x4e, 0xa0],
    [0x57, 0x43, 0x9e],
    [0x7b, 0x3a, 0x8c],
    [0x96, 0x2f, 0x6f],
    [0x51, 0x59, 0x66],
];

/// The profile picture that is made of any picture: upright, its middle, in the one size. The same pixels always give
/// the same bytes.
///
/// # Errors
/// `Other` if it cannot be decoded or is too large for that, otherwise those of the operating system.
pub fn from_picture(picture: File) -> io::Result<Vec<u8>> {
    let decoded = pictures::decode(picture).map_err(io::Error::other)?;
    let square = decoded.resize_to_fill(SIDE_PIXELS, SIDE_PIXELS, FilterType::Triangle);
    let mut png = Vec::new();
    let encoder = PngEncoder::new(&mut png);
    let written = if square.color().has_alpha() {
        square.into_rgba8().write_with_encoder(encoder)
    } else {
        square.into_rgb8().write_with_encoder(encoder)
    };
    written.map_err(io::Error::other)?;
    Ok(png)
}

/// The profile picture of a user who has none: the first letter of the user name, on a colour that depends on the id.
///
/// # Errors
/// Those of the encoder.
pub fn generated(username: &str, id: &str) -> io::Result<Vec<u8>> {
    let sum = id.bytes().map(usize::from).sum::<usize>();
    let background = BACKGROUNDS.get(sum % BACKGROUNDS.len()).copied();
    let background = background.unwrap_or_default();
    let mut picture = RgbImage::from_pixel(SIDE_PIXELS, SIDE_PIXELS, Rgb(background));
    let letter = letter(username);
    let left = SIDE_PIXELS.saturating_sub(letter.width()) / 2;
    let top = SIDE_PIXELS.saturating_sub(letter.height()) / 2;
    for (x, y, Luma([white])) in letter.enumerate_pixels() {
        if let Some(pixel) = picture.get_pixel_mut_checked(left + x, top + y) {
            for channel in &mut pixel.0 {
                *channel = blended(*channel, *white);
            }
        }
    }
    let mut png = Vec::new();
    let written = picture.write_with_encoder(PngEncoder::new(&mut png));
    written.map_err(io::Error::other)?;
    Ok(png)
}

/// How white each pixel of the first letter is.
fn letter(username: &str) -> GrayImage {
    let first = username.chars().find(char::is_ascii_alphanumeric);
    let first = first.unwrap_or('?').to_ascii_uppercase();
    let Some(glyph) = get_raster(first, FontWeight::Bold, RasterHeight::Size32) else {
        return GrayImage::default();
    };
    let pixels = glyph.pixels().to_vec();
    let (width, height) = (size(glyph.width()), size(glyph.height()));
    let drawn = GrayImage::from_raw(width, height, pixels).unwrap_or_default();
    let (width, height) = (width * LETTER_SCALE, height * LETTER_SCALE);
    imageops::resize(&drawn, width, height, FilterType::CatmullRom)
}

fn size(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(0)
}

/// A channel with so much white over it.
fn blended(channel: u8, white: u8) -> u8 {
    let (channel, white) = (u32::from(channel), u32::from(white));
    let sum = channel * (255 - white) + 255 * white;
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{DynamicImage, ImageFormat, RgbaImage};

    use super::*;
    use crate::testing::{encoded, file};

    /// Red on the left, blue on the right, and white margins that are cut off.
    fn wide() -> RgbImage {
        RgbImage::from_fn(600, 200, |x, _| match x {
            0..200 | 400.. => Rgb([255, 255, 255]),
            200..300 => Rgb([255, 0, 0]),
            _ => Rgb([0, 0, 255]),
        })
    }

    #[test]
    fn a_picture_of_any_shape_and_kind_becomes_its_middle_square() {
        let wide = DynamicImage::ImageRgb8(wide());
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let made = from_picture(file(&encoded(&wide, format))).unwrap();
            let made = image::load_from_memory_with_format(&made, ImageFormat::Png).unwrap();
            let made = made.into_rgb8();
            assert_eq!(made.dimensions(), (SIDE_PIXELS, SIDE_PIXELS));
            let Rgb([red, _, blue]) = *made.get_pixel(20, 64);
            assert!(red > 200 && blue < 50, "{format:?}");
            let Rgb([red, _, blue]) = *made.get_pixel(108, 64);
            assert!(red < 50 && blue > 200, "{format:?}");
        }
    }

    #[test]
    fn one_that_was_made_before_stays_as_it_is() {
        let transparent = DynamicImage::ImageRgba8(RgbaImage::from_fn(128, 128, |x, y| {
            image::Rgba([u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 7, 99])
        }));
        let small = DynamicImage::ImageRgb8(RgbImage::new(3, 9));
        for picture in [DynamicImage::ImageRgb8(wide()), transparent, small] {
            let first = from_picture(file(&encoded(&picture, ImageFormat::Png))).unwrap();
            assert_eq!(from_picture(file(&first)).unwrap(), first);
        }
    }

    #[test]
    fn the_most_irregular_picture_has_few_bytes_more_than_its_pixels() {
        let mut state = 1_u32;
        let noise = RgbaImage::from_fn(128, 128, |_, _| {
            image::Rgba([(); 4].map(|()| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            }))
        });
        let noise = DynamicImage::ImageRgba8(noise);
        let made = from_picture(file(&encoded(&noise, ImageFormat::Png))).unwrap();
        let pixels = 128 * 128 * 4;
        assert!(
            (pixels..pixels * 5 / 4).contains(&made.len()),
            "{}",
            made.len()
        );
    }

    #[test]
    fn what_is_no_picture_makes_none() {
        assert!(from_picture(file(b"no picture at all")).is_err());
        assert!(from_picture(file(b"")).is_err());
    }

    #[test]
    fn generated_ones_differ_by_letter_and_by_person() {
        let made = |name: &str, id: &str| generated(name, id).unwrap();
        assert_eq!(made("ann", "a"), made("Anna", "a"));
        assert_ne!(made("ann", "a"), made("bob", "a"));
        assert_ne!(made("ann", "a"), made("ann", "b"));
        assert_eq!(made("", "a"), made("..", "a"));
        let picture = image::load_from_memory(&made("m", "a"))
            .unwrap()
            .into_rgb8();
        assert_eq!(picture.dimensions(), (SIDE_PIXELS, SIDE_PIXELS));
        let white = picture.pixels().filter(|it| it.0 == [255; 3]).count();
        assert!((300..6_000).contains(&white), "a letter is seen: {white}");
    }
}

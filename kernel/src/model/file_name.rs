//! Names of files, and what follows from their extension.

/// The name under which a file is stored: the last part of a path, on any system, without control characters
/// and without those that reverse the direction of a text, which would hide the extension. Empty if nothing is
/// left. Client API §8.
#[must_use]
pub fn stored(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|character| is_plain(*character))
        .collect();
    match clean.as_str() {
        "." | ".." => String::new(),
        _ => clean,
    }
}

fn is_plain(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The extension of a name, in lower case and without its dot; empty if it has none.
#[must_use]
pub fn extension(name: &str) -> String {
    name.rsplit_once('.')
        .map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// The media type of a file with this name. What the uploader claims does not count: it decides how browsers
/// treat the file.
#[must_use]
pub fn media_type(name: &str) -> &'static str {
    known_media_type(name).unwrap_or("application/octet-stream")
}

/// The same; `None` if the extension says nothing.
#[must_use]
pub fn known_media_type(name: &str) -> Option<&'static str> {
    let extension = extension(name);
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == extension);
    known.map(|(_, media_type)| *media_type)
}

/// Media types by extension.
const MEDIA_TYPES: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("md", "text/markdown"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path_and_keeps_its_letters() {
        for (sent, kept) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\a b.txt", "a b.txt"),
            ("quo\"te; 'x', %22.txt", "quo\"te; 'x', %22.txt"),
            ("cafe\u{301}.png", "cafe\u{301}.png"),
            ("caf\u{e9}.png", "caf\u{e9}.png"),
            ("a\r\nb\0\u{85}.txt", "ab.txt"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("dir/", ""),
            ("..", ""),
            (".", ""),
            (".profile", ".profile"),
        ] {
            assert_eq!(stored(sent), kept, "{sent:?}");
        }
    }

    #[test]
    fn the_type_follows_from_the_extension_alone() {
        assert_eq!(media_type("a.JPG"), "image/jpeg");
        assert_eq!(media_type("a.png.html"), "text/html");
        assert_eq!(media_type("png"), "application/octet-stream");
        assert_eq!(known_media_type("png"), None);
        assert_eq!(extension("a.TAR.GZ"), "gz");
        assert_eq!(extension("none"), "");
    }
}

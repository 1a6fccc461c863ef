//! Files on the wire: the upload session that announces one (protocol §6.5), and what is said of it in a post's
//! metadata and after its upload (§5.6).

use crate::model::file_name;
use crate::model::limits::{FILE_NAME_CHARS_MAX, FILES_PER_POST_MAX};
use crate::rows::id::Id;
use crate::wire::json::{Document, JsonError, Value};
use crate::wire::write::{JsonWriter, escaped_len};

/// Maximum bytes of a character in JSON.
const ESCAPED_CHAR_BYTES_MAX: usize = 6;
/// Characters of an extension that is stated; a longer one is none.
const EXTENSION_CHARS_MAX: usize = 64;

/// What is said of a file (`FileInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireFile {
    /// Id.
    pub id: String,
    /// Who uploaded it.
    pub user_id: String,
    /// When it was uploaded, in ms.
    pub create_at: i64,
    /// Name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Width and height of a picture; 0 = not known.
    pub dimensions: (u32, u32),
}

impl WireFile {
    /// Maximum bytes of everything but the name.
    const FIELDS_BYTES: usize = 560 + ESCAPED_CHAR_BYTES_MAX * EXTENSION_CHARS_MAX;

    /// Maximum bytes of a file in a message.
    pub const BYTES_MAX: usize =
        WireFile::FIELDS_BYTES + ESCAPED_CHAR_BYTES_MAX * FILE_NAME_CHARS_MAX;

    /// Maximum bytes of this file in a message.
    #[must_use]
    pub fn bytes(&self) -> usize {
        WireFile::FIELDS_BYTES + escaped_len(&self.name)
    }

    fn decode(value: Value<'_>) -> Result<WireFile, JsonError> {
        let value = value.as_object()?;
        let pixels = |key| Ok(u32::try_from(value.integer(key)?).unwrap_or(0));
        Ok(WireFile {
            id: value.text("id")?.into_owned(),
            user_id: value.text("user_id")?.into_owned(),
            create_at: value.integer("create_at")?,
            name: value.text("name")?.into_owned(),
            size: u64::try_from(value.integer("size")?).unwrap_or(0),
            dimensions: (pixels("width")?, pixels("height")?),
        })
    }

    /// Writes it with the keys of an 11.6 server. `place` is the ids of its post, which may be empty, and
    /// of its channel.
    pub fn encode(&self, writer: &mut JsonWriter, place: (&str, &str)) {
        let (post_id, channel_id) = place;
        writer.begin_object();
        writer.text_field("id", &self.id);
        writer.text_field("user_id", &self.user_id);
        writer.text_field_if("post_id", post_id);
        writer.text_field("channel_id", channel_id);
        writer.integer_field("create_at", self.create_at);
        writer.integer_field("update_at", self.create_at);
        writer.integer_field("delete_at", 0);
        writer.text_field("name", &self.name);
        let extension = file_name::extension(&self.name);
        let is_usual = extension.chars().count() <= EXTENSION_CHARS_MAX;
        writer.text_field("extension", if is_usual { &extension } else { "" });
        writer.integer_field("size", i64::try_from(self.size).unwrap_or(i64::MAX));
        writer.text_field("mime_type", file_name::media_type(&self.name));
        let (width, height) = self.dimensions;
        if width != 0 && height != 0 {
            writer.integer_field("width", i64::from(width));
            writer.integer_field("height", i64::from(height));
            writer.boolean_field("has_preview_image", true);
        }
        writer.raw_field("mini_preview", "null");
        writer.text_field("remote_id", "");
        writer.boolean_field("archived", false);
        writer.end_object();
    }
}

/// What the metadata of a post say of its files. What has another shape is left out: the post itself is worth
/// more.
pub(super) fn listed(metadata: Value<'_>) -> Vec<WireFile> {
    let files = metadata.get("files").map(Value::as_list);
    let files = files.and_then(Result::ok).unwrap_or_default();
    let some = files.into_iter().take(FILES_PER_POST_MAX);
    some.filter_map(|file| WireFile::decode(file).ok())
        .collect()
}

/// The ids of a post's files; more than a post may have are not read.
pub(super) fn ids(list: Value<'_>) -> Result<Vec<String>, JsonError> {
    let some = list.as_list()?.into_iter().take(FILES_PER_POST_MAX);
    some.map(|id| Ok(id.as_text()?.into_owned())).collect()
}

/// Writes the files of a post into its metadata.
pub(super) fn encode_list(writer: &mut JsonWriter, files: &[WireFile], place: (&str, &str)) {
    writer.key("files");
    writer.begin_array();
    files.iter().for_each(|file| file.encode(writer, place));
    writer.end_array();
}

/// An upload session: the announcement of a file, and the answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id, which names the place for the bytes.
    pub id: String,
    /// `attachment`.
    pub kind: String,
    /// When the receiver stored it, in ms.
    pub create_at: i64,
    /// Author of the file.
    pub user_id: String,
    /// Channel.
    pub channel_id: String,
    /// Name of the file.
    pub filename: String,
    /// Its size in bytes.
    pub file_size: i64,
    /// Bytes that the receiver holds.
    pub file_offset: i64,
    /// The connection, as the receiver knows it.
    pub remote_id: String,
    /// Id that the file gets.
    pub req_file_id: String,
}

impl UploadSession {
    /// The only type that a peer may announce.
    pub const ATTACHMENT: &str = "attachment";

    /// Parses a session.
    pub fn decode(value: Value<'_>) -> Result<UploadSession, JsonError> {
        let value = value.as_object()?;
        let text = |key| value.text(key).map(|text| text.into_owned());
        Ok(UploadSession {
            id: text("id")?,
            kind: text("type")?,
            create_at: value.integer("create_at")?,
            user_id: text("user_id")?,
            channel_id: text("channel_id")?,
            filename: text("filename")?,
            file_size: value.integer("file_size")?,
            file_offset: value.integer("file_offset")?,
            remote_id: text("remote_id")?,
            req_file_id: text("req_file_id")?,
        })
    }

    /// Writes the session.
    #[must_use]
    pub fn encode(&self, mut writer: JsonWriter) -> Vec<u8> {
        writer.begin_object();
        writer.text_field("id", &self.id);
        writer.text_field("type", &self.kind);
        writer.integer_field("create_at", self.create_at);
        writer.text_field("user_id", &self.user_id);
        writer.text_field("channel_id", &self.channel_id);
        writer.text_field("filename", &self.filename);
        writer.integer_field("file_size", self.file_size);
        writer.integer_field("file_offset", self.file_offset);
        writer.text_field("remote_id", &self.remote_id);
        writer.text_field("req_file_id", &self.req_file_id);
        writer.end_object();
        writer.finish()
    }
}

/// Whether the answer to a file's bytes shows that the receiver holds the file with this id.
#[must_use]
pub fn is_stored(answer: &[u8], id: Id) -> bool {
    Document::parse(answer).is_ok_and(|document| {
        let told = document.root().text("id");
        told.is_ok_and(|told| told == id.as_str())
    })
}

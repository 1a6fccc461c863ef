//! Whether a channel is shared, as one Causeway tells another: that an administrator has accepted it after all, or
//! that its sharing has ended. The reference has no message for either.

use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// Whether the sender shares a channel with the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharingState {
    /// Channel.
    pub channel_id: String,
    /// Whether it is shared.
    pub is_shared: bool,
}

impl SharingState {
    /// Parses a message.
    pub fn decode(value: Value<'_>) -> Result<SharingState, JsonError> {
        let value = value.as_object()?;
        Ok(SharingState {
            channel_id: value.text("channel_id")?.into_owned(),
            is_shared: value.boolean("is_shared")?,
        })
    }

    /// Writes the message.
    #[must_use]
    pub fn encode(&self, mut writer: JsonWriter) -> Vec<u8> {
        writer.begin_object();
        writer.text_field("channel_id", &self.channel_id);
        writer.boolean_field("is_shared", self.is_shared);
        writer.end_object();
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::Document;

    #[test]
    fn a_message_reads_back_as_written() {
        let message = SharingState {
            channel_id: "abc".into(),
            is_shared: true,
        };
        let bytes = message.encode(JsonWriter::new());
        assert_eq!(bytes, br#"{"channel_id":"abc","is_shared":true}"#);
        let document = Document::parse(&bytes).unwrap();
        assert_eq!(SharingState::decode(document.root()), Ok(message));
    }
}

//! The end of a channel's sharing, as one Causeway tells another. The reference has no message for it.

use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// The sender no longer shares a channel with the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelUnshare {
    /// Channel.
    pub channel_id: String,
}

impl ChannelUnshare {
    /// Parses a message.
    pub fn decode(value: Value<'_>) -> Result<ChannelUnshare, JsonError> {
        let channel_id = value.as_object()?.text("channel_id")?.into_owned();
        Ok(ChannelUnshare { channel_id })
    }

    /// Writes the message.
    #[must_use]
    pub fn encode(&self, mut writer: JsonWriter) -> Vec<u8> {
        writer.begin_object();
        writer.text_field("channel_id", &self.channel_id);
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
        let message = ChannelUnshare {
            channel_id: "abc".into(),
        };
        let bytes = message.encode(JsonWriter::new());
        assert_eq!(bytes, br#"{"channel_id":"abc"}"#);
        let document = Document::parse(&bytes).unwrap();
        assert_eq!(ChannelUnshare::decode(document.root()), Ok(message));
    }
}

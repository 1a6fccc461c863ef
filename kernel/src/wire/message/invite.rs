//! Channel invitations. Semantics §3.6.

use super::WireUser;
use crate::model::limits::GROUP_MEMBERS;
use crate::rows::id::Id;
use crate::wire::Generation;
use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// A channel invitation. Semantics §3.6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelInvite {
    /// Channel.
    pub channel_id: String,
    /// For a server of 2021 the team that it named in the handshake (`remote_team_id`), in which it creates
    /// the channel; ignored by newer servers and by us.
    pub team_id: String,
    /// Whether ordinary members may only read.
    pub read_only: bool,
    /// URL name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
    /// `O`, `P`, `D` or `G`.
    pub kind: String,
    /// Who opened a group channel; otherwise empty.
    pub creator_id: String,
    /// The people of a direct or group channel; one more than a group holds at most.
    pub participant_ids: Vec<String>,
    /// Those of them whose home is not at the receiver.
    pub participants: Vec<WireUser>,
}

impl ChannelInvite {
    /// Parses an invitation.
    pub fn decode(value: Value<'_>) -> Result<ChannelInvite, JsonError> {
        let value = value.as_object()?;
        let text = |key| value.text(key).map(|text| text.into_owned());
        // One too many is enough to refuse the invitation.
        let people_max = GROUP_MEMBERS.end() + 1;
        let some = |key| Ok(value.list(key)?.into_iter().take(people_max));
        let owned_text = |value: Value<'_>| value.as_text().map(|text| text.into_owned());
        Ok(ChannelInvite {
            channel_id: text("channel_id")?,
            team_id: text("team_id")?,
            read_only: value.boolean("read_only")?,
            name: text("name")?,
            display_name: text("display_name")?,
            header: text("header")?,
            purpose: text("purpose")?,
            kind: text("type")?,
            creator_id: text("creator_id")?,
            participant_ids: some("direct_participant_ids")?
                .map(owned_text)
                .collect::<Result<_, _>>()?,
            participants: some("direct_participants")?
                .map(WireUser::decode)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Writes the invitation in the generation's format. `password` is that of all profiles: an apparently
    /// random value, as real servers send.
    #[must_use]
    pub fn encode(&self, mut writer: JsonWriter, generation: Generation, password: Id) -> Vec<u8> {
        writer.begin_object();
        writer.text_field("channel_id", &self.channel_id);
        writer.text_field("team_id", &self.team_id);
        writer.boolean_field("read_only", self.read_only);
        writer.text_field("name", &self.name);
        writer.text_field("display_name", &self.display_name);
        writer.text_field("header", &self.header);
        writer.text_field("purpose", &self.purpose);
        writer.text_field("type", &self.kind);
        if generation == Generation::V11 {
            writer.text_field("creator_id", &self.creator_id);
        }
        if self.participant_ids.is_empty() {
            writer.raw_field("direct_participant_ids", "null");
        } else {
            let ids = self.participant_ids.iter().map(String::as_str);
            writer.texts_field("direct_participant_ids", ids);
        }
        if generation == Generation::V11 {
            self.encode_participants(&mut writer, password);
        }
        writer.end_object();
        writer.finish()
    }

    fn encode_participants(&self, writer: &mut JsonWriter, password: Id) {
        if self.participant_ids.is_empty() {
            return writer.raw_field("direct_participants", "null");
        }
        writer.key("direct_participants");
        writer.begin_array();
        for user in &self.participants {
            user.encode(writer, Generation::V11, password);
        }
        writer.end_array();
    }
}

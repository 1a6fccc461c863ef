//! Rows, table by table. A new table does not compile here until somebody has decided about it.

use causeway_kernel::boundary::behaviour::InForce;
use causeway_kernel::model::{
    Channel, ChannelMember, ChannelPost, Connection, ConnectionLink, Due, Exception, ExceptionTime,
    FeedEntry, Held, IdRow, Job, Link, MetaRow, NameRow, PeerWorkspace, Pending, PinnedPost, Post,
    QuarantineEntry, Reaction, Request, RequestExpiry, Round, SentOldPost, SentReaction, SentUser,
    SharedChannel, Team, TeamMember, ThreadPost, User, UserChannel, UserTeam, VerdictRow, kind,
};
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup::channel_name_key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use super::{Mask, Unmaskable, record};

impl Mask {
    /// Key and value of a row. A row of an older version comes out in today's.
    ///
    /// # Errors
    /// When key or value are not what the table holds.
    pub fn row(
        &self,
        table: Table,
        key: &[u8],
        value: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Unmaskable> {
        let masked = self
            .row_key(table, key)
            .and_then(|key| Some((key, self.row_value(table, value)?)));
        masked.ok_or(Unmaskable::Row(table))
    }

    /// Keys hold numbers, times, ids and emoji, which stay, and in three tables texts.
    fn row_key(&self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        match table {
            Table::Names => {
                let (kind, name) = key::decode::<(u8, String)>(key)?;
                Some(key::encode(&(kind, self.unique_name(kind, &name)?)))
            }
            Table::Requests => {
                let (user, text) = key::decode::<(UserNo, String)>(key)?;
                Some(key::encode(&(user, self.text(&text))))
            }
            Table::RequestExpiry => {
                let (at_ms, user, text) = key::decode::<(i64, UserNo, String)>(key)?;
                Some(key::encode(&(at_ms, user, self.text(&text))))
            }
            Table::Meta
            | Table::Ids
            | Table::Users
            | Table::Teams
            | Table::TeamMembers
            | Table::UserTeams
            | Table::Channels
            | Table::ChannelMembers
            | Table::UserChannels
            | Table::Posts
            | Table::ChannelPosts
            | Table::ThreadPosts
            | Table::Reactions
            | Table::Feed
            | Table::PeerWorkspaces
            | Table::Connections
            | Table::SharedChannels
            | Table::Links
            | Table::ConnectionLinks
            | Table::SentUsers
            | Table::Rounds
            | Table::Exceptions
            | Table::SentReactions
            | Table::Verdicts
            | Table::Due
            | Table::Jobs
            | Table::Held
            | Table::Quarantine
            | Table::SentOldPosts
            | Table::PinnedPosts
            | Table::Pending
            | Table::ExceptionTimes
            | Table::Behaviours => Some(key.to_vec()),
        }
    }

    fn unique_name(&self, kind: u8, name: &str) -> Option<String> {
        match kind {
            kind::EMAIL => Some(self.address(name)),
            kind::TEAM_NAME => Some(self.team_name(name)),
            kind::CHANNEL_NAME => {
                let (team, name) = name.split_once('/')?;
                let team = TeamNo(u64::from_str_radix(team, 16).ok()?);
                Some(channel_name_key(team, &self.channel_name(name)))
            }
            _ => Some(self.text(name)),
        }
    }

    fn row_value(&self, table: Table, value: &[u8]) -> Option<Vec<u8>> {
        match table {
            Table::Meta => self.record::<MetaRow>(value),
            Table::Ids => self.record::<IdRow>(value),
            Table::Names => self.record::<NameRow>(value),
            Table::Users => self.record::<User>(value),
            Table::Teams => self.record::<Team>(value),
            Table::TeamMembers => self.record::<TeamMember>(value),
            Table::UserTeams => self.record::<UserTeam>(value),
            Table::Channels => self.record::<Channel>(value),
            Table::ChannelMembers => self.record::<ChannelMember>(value),
            Table::UserChannels => self.record::<UserChannel>(value),
            Table::Posts => self.record::<Post>(value),
            Table::ChannelPosts => self.record::<ChannelPost>(value),
            Table::ThreadPosts => self.record::<ThreadPost>(value),
            Table::Reactions => self.record::<Reaction>(value),
            Table::Feed => self.record::<FeedEntry>(value),
            Table::PeerWorkspaces => self.record::<PeerWorkspace>(value),
            Table::Connections => self.record::<Connection>(value),
            Table::SharedChannels => self.record::<SharedChannel>(value),
            Table::Links => self.record::<Link>(value),
            Table::ConnectionLinks => self.record::<ConnectionLink>(value),
            Table::SentUsers => self.record::<SentUser>(value),
            Table::Rounds => self.record::<Round>(value),
            Table::Exceptions => self.record::<Exception>(value),
            Table::SentReactions => self.record::<SentReaction>(value),
            Table::Verdicts => self.record::<VerdictRow>(value),
            Table::Due => self.record::<Due>(value),
            Table::Jobs => self.record::<Job>(value),
            Table::Requests => self.record::<Request>(value),
            Table::RequestExpiry => self.record::<RequestExpiry>(value),
            Table::Held => self.record::<Held>(value),
            Table::Quarantine => self.record::<QuarantineEntry>(value),
            Table::SentOldPosts => self.record::<SentOldPost>(value),
            Table::PinnedPosts => self.record::<PinnedPost>(value),
            Table::Pending => self.record::<Pending>(value),
            Table::ExceptionTimes => self.record::<ExceptionTime>(value),
            Table::Behaviours => self.record::<InForce>(value),
        }
    }

    /// The bytes of a record: its version and what it holds.
    fn record<R: Record>(&self, value: &[u8]) -> Option<Vec<u8>> {
        let row = R::from_bytes(value)?;
        let masked = record::encode(self, &row)?;
        Some([&[R::VERSION], masked.as_slice()].concat())
    }
}

//! Who may do what: the one place that decides it, for acts, reads and the audience of events. Local users
//! only; what peers may do is decided in [`inbound`](crate::inbound).

mod permissions;

pub use permissions::{
    Within, explicit_roles, holds, manages_connections, may_share, may_share_something,
    permissions_of, require_connections, require_sharing, roles_in_team, sees_connections,
};

use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::Actor;
use crate::boundary::output::{Event, Refusal};
use crate::model::limits::CHANNELS_PER_USER_MAX;
use crate::model::{Channel, ChannelMember, File, Post, Team, TeamMember, UserChannel};
use crate::objects::administrators;
use crate::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use crate::rows::tx::Read;

/// The user behind an actor: local and active.
pub fn acting_user(rows: &(impl Read + ?Sized), actor: Actor) -> Result<UserNo, Refusal> {
    let Actor::User(user_no) = actor else {
        return Err(session_expired());
    };
    let user = rows.user(user_no).ok_or_else(session_expired)?;
    if !user.origin.is_ours() || user.delete_at != 0 {
        return Err(session_expired());
    }
    Ok(user_no)
}

fn session_expired() -> Refusal {
    Refusal::new(
        401,
        "api.context.session_expired.app_error",
        "Invalid or expired session, please log in again.",
    )
}

/// Whether a user administers the system.
pub fn is_system_admin(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    rows.user(user)
        .is_some_and(|user| administrators::is_active(&user))
}

/// Whether an actor administers the system.
pub fn administers(rows: &(impl Read + ?Sized), actor: Actor) -> bool {
    match actor {
        Actor::System => true,
        Actor::Anonymous => false,
        Actor::User(_) => acting_user(rows, actor).is_ok_and(|user| is_system_admin(rows, user)),
    }
}

/// Requires that an actor administers the system.
pub fn require_admin(rows: &(impl Read + ?Sized), actor: Actor) -> Result<(), Refusal> {
    if administers(rows, actor) {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

/// Whether a user is a member of a team.
pub fn is_team_member(rows: &(impl Read + ?Sized), team: TeamNo, user: UserNo) -> bool {
    rows.get::<TeamMember>(&(team, user))
        .is_some_and(|member| member.delete_at == 0)
}

/// Whether a user administers a team.
pub fn is_team_admin(rows: &(impl Read + ?Sized), team: TeamNo, user: UserNo) -> bool {
    is_system_admin(rows, user)
        || rows
            .get::<TeamMember>(&(team, user))
            .is_some_and(|member| member.delete_at == 0 && member.is_admin)
}

/// Whether a user may see that a team exists, and its data.
pub fn may_see_team(rows: &(impl Read + ?Sized), team_no: TeamNo, user: UserNo) -> bool {
    rows.get::<Team>(&team_no).is_some_and(|team| team.is_open)
        || is_team_member(rows, team_no, user)
        || is_system_admin(rows, user)
}

/// Whether a user is a member of a channel.
pub fn is_channel_member(rows: &(impl Read + ?Sized), channel: ChannelNo, user: UserNo) -> bool {
    rows.has::<ChannelMember>(&(channel, user))
}

/// Whether two users are members of the same channel. Only a limited number of one's channels is compared.
pub fn share_a_channel(rows: &(impl Read + ?Sized), one: UserNo, other: UserNo) -> bool {
    rows.prefix::<UserChannel, _>(&one, CHANNELS_PER_USER_MAX)
        .into_iter()
        .any(|((_, channel), _)| is_channel_member(rows, channel, other))
}

/// Whether a user may read a channel: members, the whole team if the channel is public, and system admins,
/// except what others say in direct and group channels.
pub fn may_read_channel(rows: &(impl Read + ?Sized), channel_no: ChannelNo, user: UserNo) -> bool {
    if is_channel_member(rows, channel_no, user) {
        return true;
    }
    let Some(channel) = rows.channel(channel_no) else {
        return false;
    };
    let in_public = channel.place.public_in();
    in_public.is_some_and(|team| is_team_member(rows, team, user))
        || (channel.place.team().is_some() && is_system_admin(rows, user))
}

/// Whether a user administers a channel.
pub fn is_channel_admin(rows: &(impl Read + ?Sized), channel_no: ChannelNo, user: UserNo) -> bool {
    let member = rows.get::<ChannelMember>(&(channel_no, user));
    member.is_some_and(|member| member.is_admin)
        || rows
            .channel(channel_no)
            .and_then(|channel| channel.place.team())
            .is_some_and(|team| is_team_admin(rows, team, user))
}

/// Whether a user may change the name, header and purpose of a channel: its members
/// (`manage_public_channel_properties`, `manage_private_channel_properties`), unless it is only to be read, and who
/// administers it. In a direct or group channel only its members.
pub fn may_change_channel(
    rows: &(impl Read + ?Sized),
    channel_no: ChannelNo,
    channel: &Channel,
    user: UserNo,
) -> bool {
    let is_member = is_channel_member(rows, channel_no, user) && !channel.read_only;
    is_member || is_channel_admin(rows, channel_no, user)
}

/// Requires that a user may write posts and reactions in a channel.
pub fn require_write(
    rows: &(impl Read + ?Sized),
    channel_no: ChannelNo,
    channel: &Channel,
    user: UserNo,
) -> Result<(), Refusal> {
    if !is_channel_member(rows, channel_no, user) {
        return Err(Refusal::forbidden());
    }
    if channel.delete_at != 0 {
        return Err(Refusal::new(
            400,
            "api.post.create_post.can_not_post_to_deleted.error",
            "This channel is archived; nothing new can be written in it.",
        ));
    }
    if channel.read_only && !is_channel_admin(rows, channel_no, user) {
        return Err(Refusal::forbidden());
    }
    Ok(())
}

/// Whether a user may change the text of a post: its author, or a system admin (`edit_others_posts`). Only
/// the home workspace of a post's author may change it.
pub fn may_edit_post(rows: &(impl Read + ?Sized), post: &Post, user: UserNo) -> bool {
    let may_edit_others = || Behaviour::AdminsEdit.is_in_force(rows) && is_system_admin(rows, user);
    post.origin.is_ours() && (post.user == user || may_edit_others())
}

/// Whether a user may delete a post: its author, or a channel admin.
pub fn may_delete_post(rows: &(impl Read + ?Sized), post: &Post, user: UserNo) -> bool {
    post.user == user || is_channel_admin(rows, post.channel, user)
}

/// Whether a user may read a post.
pub fn may_read_post(rows: &(impl Read + ?Sized), post_no: PostNo, user: UserNo) -> bool {
    rows.get::<Post>(&post_no)
        .is_some_and(|post| may_read_channel(rows, post.channel, user))
}

/// Whether a user may see how a post stands at connected workspaces, if they may read it: its author, and who
/// administers its channel or the workspace.
pub fn may_see_delivery(rows: &(impl Read + ?Sized), post: &Post, user: UserNo) -> bool {
    post.user == user || is_channel_admin(rows, post.channel, user) || is_system_admin(rows, user)
}

/// Whether a user may read a file: whoever may read its post, and its uploader alone before a post has taken
/// it. Client API §6.5.
pub fn may_read_file(rows: &(impl Read + ?Sized), file: &File, user: UserNo) -> bool {
    file.is_here()
        && match file.post {
            Some(post) => may_read_post(rows, post, user),
            None => file.user == user,
        }
}

/// Whether a user receives an event: members of the channel, the person concerned, or everybody.
pub fn hears(rows: &(impl Read + ?Sized), event: &Event, user: UserNo) -> bool {
    match event {
        Event::Posted(channel, _)
        | Event::PostEdited(channel, _)
        | Event::PostDeleted(channel, _)
        | Event::ReactionAdded(channel, _)
        | Event::ReactionRemoved(channel, _)
        | Event::AcknowledgementAdded(channel, _)
        | Event::AcknowledgementRemoved(channel, _)
        | Event::DirectAdded(channel, ..)
        | Event::GroupAdded(channel)
        | Event::UserAdded(channel, _) => is_channel_member(rows, *channel, user),
        Event::UserRemoved(channel, removed) => {
            *removed == user || is_channel_member(rows, *channel, user)
        }
        Event::ChannelCreated(channel)
        | Event::ChannelUpdated(channel)
        | Event::ChannelDeleted(channel)
        | Event::ChannelRestored(channel) => may_read_channel(rows, *channel, user),
        Event::ChannelConverted(channel) => {
            let team = rows.channel(*channel).and_then(|it| it.place.team());
            team.is_some_and(|team| is_team_member(rows, team, user))
        }
        Event::ChannelMemberUpdated(_, member) => *member == user,
        Event::TeamUpdated(team) | Event::TeamDeleted(team) | Event::TeamRestored(team) => {
            is_team_member(rows, *team, user)
        }
        Event::LeftTeam(team, left) => *left == user || is_team_member(rows, *team, user),
        Event::AddedToTeam(_, added) => *added == user,
        Event::PersonalSet(owner, ..) | Event::PersonalDeleted(owner, ..) => *owner == user,
        Event::StatusChanged(about, _) => *about == user || share_a_channel(rows, *about, user),
        Event::UserRoleUpdated(changed) | Event::TeamMemberRoleUpdated(_, changed) => {
            *changed == user
        }
        Event::NewUser(_)
        | Event::UserUpdated(_)
        | Event::RoleUpdated(_)
        | Event::EmojiAdded(_) => true,
        Event::Ephemeral(channel, addressee, _) => {
            *addressee == user && may_read_channel(rows, *channel, user)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::output::{AcknowledgementEvent, ReactionEvent};
    use crate::model::{Availability, PersonalKind, Role};
    use crate::rows::fixture::{self, id, put};
    use crate::rows::id::{EmojiNo, Id, WorkspaceNo};
    use crate::rows::testing::MemoryHost;

    const ANN: UserNo = UserNo(1);
    const BOB: UserNo = UserNo(2);
    /// Not in any team.
    const EVE: UserNo = UserNo(3);
    const ROOT: UserNo = UserNo(4);
    const TOWN: ChannelNo = ChannelNo(1);
    const DEN: ChannelNo = ChannelNo(2);

    fn host() -> MemoryHost {
        let mut host = fixture::host();
        put(&mut host, |tx| {
            fixture::put_user(tx, 3, &fixture::user(3, "eve"));
            let mut root = fixture::user(4, "root");
            root.roles = "system_admin system_user".into();
            fixture::put_user(tx, 4, &root);
            let mut hidden = fixture::post(1, 10, None);
            hidden.channel = DEN;
            fixture::put_post(tx, 1, &hidden);
        });
        host
    }

    #[test]
    fn public_channels_are_read_by_the_team_and_private_ones_by_members() {
        let host = host();
        for (channel, user, may) in [
            (TOWN, ANN, true),
            (TOWN, BOB, true),
            (TOWN, EVE, false),
            (TOWN, ROOT, true),
            (DEN, ANN, true),
            (DEN, BOB, false),
            (DEN, EVE, false),
            (DEN, ROOT, true),
            (ChannelNo(9), ROOT, false),
        ] {
            assert_eq!(
                may_read_channel(&host, channel, user),
                may,
                "{channel:?} {user:?}"
            );
        }
        assert!(may_read_post(&host, PostNo(1), ANN));
        assert!(!may_read_post(&host, PostNo(1), BOB));
        assert!(!may_read_post(&host, PostNo(2), ROOT));
    }

    #[test]
    fn how_a_post_stands_is_seen_by_its_author_and_by_administrators() {
        let mut host = host();
        let post = fixture::post(7, 10, None);
        let seen =
            |host: &MemoryHost| [ANN, BOB, EVE, ROOT].map(|by| may_see_delivery(host, &post, by));
        assert_eq!(post.user, ANN);
        assert_eq!(seen(&host), [true, false, false, true]);
        put(&mut host, |tx| {
            let mut member = tx.get::<ChannelMember>(&(TOWN, BOB)).unwrap();
            member.is_admin = true;
            tx.put(&(TOWN, BOB), &member);
        });
        assert_eq!(seen(&host), [true, true, false, true]);
    }

    #[test]
    fn a_peers_user_and_a_deactivated_one_administer_nothing() {
        let mut host = host();
        let mut root = fixture::user(4, "root");
        root.roles = "system_admin system_user".into();
        root.origin = WorkspaceNo(1);
        put(&mut host, |tx| fixture::put_user(tx, 4, &root));
        assert!(!is_system_admin(&host, ROOT) && !administers(&host, Actor::User(ROOT)));
        assert!(!may_read_channel(&host, DEN, ROOT));
        root.origin = WorkspaceNo::OURS;
        root.delete_at = 1;
        put(&mut host, |tx| fixture::put_user(tx, 4, &root));
        assert!(!is_system_admin(&host, ROOT) && !administers(&host, Actor::User(ROOT)));
        assert!(administers(&host, Actor::System) && !administers(&host, Actor::Anonymous));
    }

    #[test]
    fn open_teams_are_seen_by_everybody() {
        let mut host = host();
        assert!(may_see_team(&host, TeamNo(1), EVE));
        put(&mut host, |tx| fixture::put_team(tx, 1, "crew", false));
        assert!(!may_see_team(&host, TeamNo(1), EVE) && may_see_team(&host, TeamNo(1), BOB));
        assert!(may_see_team(&host, TeamNo(1), ROOT));
    }

    /// The kind of event after another one, `None` at the end. Exhaustive, so a new kind of event does not
    /// compile until it has a place here.
    fn next_event(last: Option<&Event>, channel: ChannelNo) -> Option<Event> {
        let reaction = || ReactionEvent {
            post: PostNo(1),
            user: ANN,
            emoji: "tada".into(),
            create_at: 1,
            post_id: Id::parse(id('p', 1).as_str()).unwrap(),
        };
        let acknowledgement = || AcknowledgementEvent {
            post: PostNo(1),
            user: ANN,
            acknowledged_at: 1,
        };
        Some(match last {
            None => Event::Posted(channel, PostNo(1)),
            Some(Event::Posted(..)) => Event::PostEdited(channel, PostNo(1)),
            Some(Event::PostEdited(..)) => Event::PostDeleted(channel, PostNo(1)),
            Some(Event::PostDeleted(..)) => Event::ReactionAdded(channel, reaction()),
            Some(Event::ReactionAdded(..)) => Event::ReactionRemoved(channel, reaction()),
            Some(Event::ReactionRemoved(..)) => Event::UserAdded(channel, ANN),
            Some(Event::UserAdded(..)) => Event::UserRemoved(channel, ANN),
            Some(Event::UserRemoved(..)) => Event::ChannelCreated(channel),
            Some(Event::ChannelCreated(_)) => Event::ChannelUpdated(channel),
            Some(Event::ChannelUpdated(_)) => Event::ChannelDeleted(channel),
            Some(Event::ChannelDeleted(_)) => Event::AddedToTeam(TeamNo(1), ANN),
            Some(Event::AddedToTeam(..)) => Event::NewUser(ANN),
            Some(Event::NewUser(_)) => Event::UserUpdated(ANN),
            Some(Event::UserUpdated(_)) => Event::Ephemeral(channel, ANN, "text".into()),
            Some(Event::Ephemeral(..)) => {
                Event::PersonalSet(ANN, PersonalKind::Preference, Vec::new())
            }
            Some(Event::PersonalSet(..)) => {
                Event::PersonalDeleted(ANN, PersonalKind::Preference, Vec::new())
            }
            Some(Event::PersonalDeleted(..)) => {
                Event::AcknowledgementAdded(channel, acknowledgement())
            }
            Some(Event::AcknowledgementAdded(..)) => {
                Event::AcknowledgementRemoved(channel, acknowledgement())
            }
            Some(Event::AcknowledgementRemoved(..)) => {
                Event::StatusChanged(ANN, Availability::Away)
            }
            Some(Event::StatusChanged(..)) => Event::DirectAdded(channel, ANN, BOB),
            Some(Event::DirectAdded(..)) => Event::GroupAdded(channel),
            Some(Event::GroupAdded(_)) => Event::ChannelRestored(channel),
            Some(Event::ChannelRestored(_)) => Event::UserRoleUpdated(ANN),
            Some(Event::UserRoleUpdated(_)) => Event::TeamMemberRoleUpdated(TeamNo(1), ANN),
            Some(Event::TeamMemberRoleUpdated(..)) => Event::RoleUpdated(Role::TeamAdmin),
            Some(Event::RoleUpdated(_)) => Event::ChannelConverted(channel),
            Some(Event::ChannelConverted(_)) => Event::ChannelMemberUpdated(channel, ANN),
            Some(Event::ChannelMemberUpdated(..)) => Event::TeamUpdated(TeamNo(1)),
            Some(Event::TeamUpdated(_)) => Event::TeamDeleted(TeamNo(1)),
            Some(Event::TeamDeleted(_)) => Event::TeamRestored(TeamNo(1)),
            Some(Event::TeamRestored(_)) => Event::LeftTeam(TeamNo(1), ANN),
            Some(Event::LeftTeam(..)) => Event::EmojiAdded(EmojiNo(1)),
            Some(Event::EmojiAdded(_)) => return None,
        })
    }

    fn events(channel: ChannelNo) -> impl Iterator<Item = Event> {
        std::iter::successors(next_event(None, channel), move |last| {
            next_event(Some(last), channel)
        })
    }

    /// Whether an event is about a channel or something in it and is not addressed to the person it concerns.
    fn tells_of_channel(event: &Event, user: UserNo) -> bool {
        match event {
            Event::Posted(..)
            | Event::PostEdited(..)
            | Event::PostDeleted(..)
            | Event::ReactionAdded(..)
            | Event::ReactionRemoved(..)
            | Event::AcknowledgementAdded(..)
            | Event::AcknowledgementRemoved(..)
            | Event::DirectAdded(..)
            | Event::GroupAdded(_)
            | Event::UserAdded(..)
            | Event::ChannelCreated(_)
            | Event::ChannelUpdated(_)
            | Event::ChannelDeleted(_)
            | Event::ChannelRestored(_)
            | Event::Ephemeral(..) => true,
            // Removed users receive their own removal, and nothing else.
            Event::UserRemoved(_, removed) => *removed != user,
            // The whole team is told the id of a channel that became private: it may know it.
            Event::ChannelConverted(_)
            | Event::ChannelMemberUpdated(..)
            | Event::TeamUpdated(_)
            | Event::TeamDeleted(_)
            | Event::TeamRestored(_)
            | Event::LeftTeam(..)
            | Event::EmojiAdded(_)
            | Event::AddedToTeam(..)
            | Event::NewUser(_)
            | Event::UserUpdated(_)
            | Event::PersonalSet(..)
            | Event::PersonalDeleted(..)
            | Event::UserRoleUpdated(_)
            | Event::TeamMemberRoleUpdated(..)
            | Event::RoleUpdated(_)
            | Event::StatusChanged(..) => false,
        }
    }

    #[test]
    fn statuses_are_heard_of_by_those_who_share_a_channel() {
        let host = host();
        let event = Event::StatusChanged(BOB, Availability::Away);
        for (user, hears_it) in [(ANN, true), (BOB, true), (EVE, false), (ROOT, false)] {
            assert_eq!(hears(&host, &event, user), hears_it, "{user:?}");
        }
    }

    #[test]
    fn a_team_is_heard_of_by_its_members() {
        let host = host();
        let team = TeamNo(1);
        for event in [
            Event::TeamUpdated(team),
            Event::TeamDeleted(team),
            Event::TeamRestored(team),
            Event::LeftTeam(team, EVE),
            Event::ChannelConverted(TOWN),
        ] {
            let of_eve = matches!(event, Event::LeftTeam(..));
            for (user, hears_it) in [(ANN, true), (BOB, true), (EVE, of_eve), (ROOT, false)] {
                assert_eq!(hears(&host, &event, user), hears_it, "{event:?} {user:?}");
            }
        }
        let event = Event::ChannelMemberUpdated(TOWN, BOB);
        assert!(hears(&host, &event, BOB) && !hears(&host, &event, ANN));
    }

    #[test]
    fn personal_values_are_heard_of_by_their_owner_alone() {
        let host = host();
        for event in events(TOWN) {
            if let Event::PersonalSet(owner, ..) | Event::PersonalDeleted(owner, ..) = &event {
                for user in [ANN, BOB, EVE, ROOT] {
                    assert_eq!(hears(&host, &event, user), user == *owner, "{event:?}");
                }
            }
        }
    }

    #[test]
    fn who_hears_of_a_channel_may_read_it() {
        let host = host();
        let mut heard = 0;
        for (channel, user) in (0..4).flat_map(|channel| (0..6).map(move |user| (channel, user))) {
            let (channel, user) = (ChannelNo(channel), UserNo(user));
            for event in events(channel).filter(|event| tells_of_channel(event, user)) {
                if hears(&host, &event, user) {
                    heard += 1;
                    assert!(may_read_channel(&host, channel, user), "{event:?} {user:?}");
                }
            }
        }
        assert!(heard > 0);
    }
}

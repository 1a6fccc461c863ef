//! `Team`, `TeamMember`.

use causeway_kernel::authority;
use causeway_kernel::model::{Role, Team, TeamMember};
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Null, Views};
use crate::query::unread::Unread;

/// A team as clients see it.
#[derive(Serialize)]
pub struct TeamView<'a> {
    id: &'a str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    display_name: &'a str,
    name: &'a str,
    description: &'a str,
    email: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    company_name: &'a str,
    allowed_domains: &'a str,
    invite_id: &'a str,
    allow_open_invite: bool,
    scheme_id: Null,
    group_constrained: Null,
    policy_id: Null,
    cloud_limits_archived: bool,
}

/// A member of a team as clients see it.
#[derive(Serialize)]
pub struct TeamMemberView {
    team_id: String,
    user_id: String,
    roles: String,
    delete_at: i64,
    scheme_guest: bool,
    scheme_user: bool,
    scheme_admin: bool,
    explicit_roles: String,
}

/// What a user has not seen in a team's channels.
#[derive(Serialize)]
pub struct TeamUnreadView {
    team_id: String,
    msg_count: u64,
    mention_count: u64,
    mention_count_root: u64,
    msg_count_root: u64,
    thread_count: u64,
    thread_mention_count: u64,
    thread_urgent_mention_count: u64,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A team. There are no invitations by link here, so `invite_id` is always blank.
    pub fn team<'a>(&self, team: &'a Team) -> TeamView<'a> {
        TeamView {
            id: team.id.as_str(),
            create_at: team.create_at,
            update_at: team.update_at,
            delete_at: team.delete_at,
            display_name: &team.display_name,
            name: &team.name,
            description: &team.description,
            email: "",
            kind: if team.is_open { "O" } else { "I" },
            company_name: "",
            allowed_domains: "",
            invite_id: "",
            allow_open_invite: team.is_open,
            scheme_id: (),
            group_constrained: (),
            policy_id: (),
            cloud_limits_archived: false,
        }
    }

    /// What a user has not seen in a team's channels. Threads are not followed.
    pub fn team_unread(&self, team: TeamNo, unread: Unread) -> TeamUnreadView {
        TeamUnreadView {
            team_id: self.team_id(team),
            msg_count: unread.msg_count,
            mention_count: unread.mentioned.count,
            mention_count_root: unread.mentioned.root_count,
            msg_count_root: unread.msg_count_root,
            thread_count: 0,
            thread_mention_count: 0,
            thread_urgent_mention_count: 0,
        }
    }

    /// A member of a team.
    pub fn team_member(&self, team: TeamNo, user: UserNo, member: &TeamMember) -> TeamMemberView {
        let explicit_roles = authority::explicit_roles(self.rows, team, user);
        let explicit_roles: Vec<&str> = explicit_roles.iter().map(|role| role.name()).collect();
        let mut roles = vec![Role::TeamUser.name()];
        roles.extend(member.is_admin.then_some(Role::TeamAdmin.name()));
        roles.extend(&explicit_roles);
        TeamMemberView {
            team_id: self.team_id(team),
            user_id: self.user_id(user),
            roles: roles.join(" "),
            delete_at: member.delete_at,
            scheme_guest: false,
            scheme_user: true,
            scheme_admin: member.is_admin,
            explicit_roles: explicit_roles.join(" "),
        }
    }
}

//! Profiles. Semantics §6.3 and §7.

use std::collections::BTreeSet;

use super::list_error;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{self, Candidate, Judgement, MemberCandidate, ProfileCandidate, ProfileFields};
use crate::inbound::authorize::{self, Authorized, Peer, Received, UserAct, UserChange};
use crate::inbound::item::{
    Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait, judgement, withheld,
};
use crate::inbound::{Reason, held};
use crate::model::limits::{
    BOT_DESCRIPTION_CHARS_MAX, LOCALE_BYTES_MAX, PROFILES_PER_STEP_MAX, REMOTE_USERS_MAX,
    USERNAME_BYTES_MAX, WRITING_USERS_MAX,
};
use crate::model::naming::{self, SUFFIX_ATTEMPTS_MAX};
use crate::model::{ChannelMember, HeldKind, PeerKind, PeerWorkspace, RemoteUser, User, UserClass};
use crate::objects::members;
use crate::objects::memberships;
use crate::objects::remote_names;
use crate::objects::users;
use crate::rows::id::{FeedSeq, Id, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::directory::{self, NO_CHANNEL};
use crate::wire::json::{JsonError, Value};
use crate::wire::message::WireUser;
use crate::wire::response::SyncResponse;

/// Properties that state a user's origin. We know that ourselves: a peer's values are ignored.
pub const OWN_PROPS: [&str; 3] = ["RemoteUsername", "RemoteEmail", "OriginalRemoteId"];

impl Item for WireUser {
    const GATES: &[Gate] = &[Gate::Profile, Gate::Member];
    const PER_STEP_MAX: u32 = PROFILES_PER_STEP_MAX;
    type Change<'i> = UserChange<'i>;

    fn decode(value: Value<'_>) -> Result<WireUser, JsonError> {
        WireUser::decode(value)
    }

    fn prefetch(_: &Tx<'_>, _: &Section<'_, WireUser>) {}

    fn id(&self) -> Option<Id> {
        Id::parse(&self.id)
    }

    fn wait(&self) -> Option<Wait<'_>> {
        Some(Wait {
            kind: HeldKind::Profile,
            key: (self.id.clone(), String::new()),
            version: (self.update_at, false),
            post: "",
            user: "",
        })
    }

    fn lacks_its_post(&self, _: &Tx<'_>, _: Reason) -> bool {
        false
    }

    fn releases(&self, tx: &Tx<'_>, scope: Scope<'_>) -> bool {
        Behaviour::Undecided.is_in_force(tx) && held::has_profile(tx, scope.place(), &self.id)
    }

    fn authorize<'i>(
        &'i self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        _: &BTreeSet<Id>,
    ) -> Result<Authorized<UserChange<'i>>, Reason> {
        authorize::user(tx, scope.peer, Received::new(self))
    }

    /// What is held here was judged when it came.
    fn question<'i>(
        tx: &Tx<'_>,
        _: Scope<'_>,
        change: &UserChange<'i>,
        _: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        question(tx, change).map(Candidate::Profile)
    }

    /// The profile of somebody who is no member yet, and of whose membership the home has stated nothing.
    fn joining<'i>(tx: &Tx<'_>, scope: Scope<'_>, change: &UserChange<'i>) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        let shared = scope.shared.get();
        let may_join = change.wire.delete_at == 0 && shared.team.is_some();
        if !may_join || !gate::is_asked(tx, Gate::Member) {
            return None;
        }
        let (no, is_newer) = match change.act {
            UserAct::Create(id) => {
                let name = &change.wire.username;
                return Some(Candidate::Member(MemberCandidate::New { id, name }));
            }
            UserAct::Update(no) => (no, true),
            UserAct::Nothing(no) => (no, false),
        };
        let key = (shared.channel, no);
        if tx.has::<ChannelMember>(&key) || memberships::is_stated(tx, key) {
            return None;
        }
        let user = tx.user(no).filter(|user| is_newer || user.delete_at == 0)?;
        Some(Candidate::Member(MemberCandidate::Known(user)))
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<UserChange<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome {
        let judgement = match WireUser::question(tx, scope, change.get(), false) {
            Some(candidate) => judgement(tx, scope, judgements, candidate),
            None => Judgement::Pass(None),
        };
        let fields = match judgement {
            Judgement::Revised(fields) => Some(fields),
            other => match withheld(other) {
                Some(outcome) => return outcome,
                None => None,
            },
        };
        match carry_out(tx, scope, (change, fields), judgements) {
            Ok(outcome) => {
                if outcome == ItemOutcome::Taken && is_offered(scope) {
                    directory::heard(tx, scope.peer.no);
                }
                outcome
            }
            Err(reason) => ItemOutcome::Refused(reason),
        }
    }

    /// In a channel, a failed user is reported only by the absence of its id from `users_syncd`. A Causeway sends
    /// nothing but posts by somebody whose profile is not taken: it is told who waits.
    fn report(
        _: &Tx<'_>,
        scope: Scope<'_>,
        (value, item): (Value<'_>, Option<&WireUser>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        if is_offered(scope) && !matches!(fate, Fate::Done { .. }) {
            let id = value.text("id").unwrap_or_default();
            list_error(&mut response.user_errors, &id);
        }
        if fate == Fate::Held && scope.peer.row.kind == PeerKind::Causeway {
            let id = value.text("id").unwrap_or_default();
            list_error(&mut response.users_undecided, &id);
        }
        if let (Some(user), Fate::Done { .. }) = (item, fate) {
            let newest = &mut response.users_last_update_at;
            *newest = (*newest).max(user.update_at);
            response.users_syncd.push(user.id.clone());
        }
    }
}

/// Whether users come without a channel.
fn is_offered(scope: Scope<'_>) -> bool {
    scope.shared.get().channel == NO_CHANNEL
}

/// Carries out what was authorised, then adds the user to the team and the channel, unless the user's home has
/// stated who is a member. A profile of a deactivated user lets nobody join, even if it is not the newest one:
/// coming again, it would have another effect. A profile whose user may not join is taken all the same; one whose
/// user the policies could not decide about has to come again.
fn carry_out(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    (change, fields): (Authorized<UserChange<'_>>, Option<ProfileFields>),
    judgements: &Judgements,
) -> Result<ItemOutcome, Reason> {
    let Scope { peer, shared, .. } = scope;
    let is_told_inactive =
        change.get().wire.delete_at != 0 && Behaviour::Deactivations.is_in_force(tx);
    let is_whole = peer.row.kind == PeerKind::Causeway || shared.get().channel == NO_CHANNEL;
    let (no, outcome) = store(tx, peer, (change, fields), is_whole)?;
    let active = !is_told_inactive && tx.get::<User>(&no).is_some_and(|user| user.delete_at == 0);
    // The members of a channel outside teams are fixed when it is created.
    let key = (shared.get().channel, no);
    let joins = active && !memberships::is_stated(tx, key);
    if let Some(team) = shared.get().team.filter(|_| joins) {
        match judge_joining(tx, scope, no, judgements) {
            Judgement::Pass(_) | Judgement::Revised(_) => {
                members::join_team(tx, team, no, false);
                members::join_channel(tx, key.0, no, false);
            }
            Judgement::Denied(_) => {}
            Judgement::Failed(reason) => return Ok(ItemOutcome::Failed(reason)),
        }
    }
    Ok(outcome)
}

/// The judgement on a user who would become a member; those who are members already pass.
fn judge_joining(
    tx: &mut Tx<'_>,
    scope: Scope<'_>,
    no: UserNo,
    judgements: &Judgements,
) -> Judgement {
    let key = (scope.shared.get().channel, no);
    if !gate::is_asked(tx, Gate::Member) || tx.has::<ChannelMember>(&key) {
        return Judgement::Pass(None);
    }
    match tx.user(no) {
        Some(user) => {
            let candidate = Candidate::Member(MemberCandidate::Known(user));
            judgement(tx, scope, judgements, candidate)
        }
        None => Judgement::Pass(None),
    }
}

/// What the policies are asked about a profile; nothing if it changes none that is held here.
#[must_use]
pub fn question<'i>(tx: &Tx<'_>, change: &UserChange<'i>) -> Option<ProfileCandidate<'i>> {
    let (id, user) = match change.act {
        UserAct::Create(id) => (id, None),
        UserAct::Update(no) => {
            let user = tx.user(no)?;
            (user.id, Some(user))
        }
        UserAct::Nothing(_) => return None,
    };
    Some(ProfileCandidate {
        id,
        user,
        profile: change.wire,
    })
}

/// Carries out what was authorised, with these fields in place of the profile's own if the policies revised them.
/// `is_whole` tells whether such a profile says of everybody who is a bot or a guest.
///
/// # Errors
/// The limit of the peer's users is reached, or no name is free.
pub fn store(
    tx: &mut Tx<'_>,
    peer: &Peer,
    (change, fields): (Authorized<UserChange<'_>>, Option<ProfileFields>),
    is_whole: bool,
) -> Result<(UserNo, ItemOutcome), Reason> {
    let UserChange { act, wire } = change.take();
    let wire = match fields {
        Some(fields) => &fields.put_into(wire.clone()),
        None => wire,
    };
    match act {
        UserAct::Create(id) => {
            let no = create(tx, peer, id, wire)?;
            classify(tx, no, wire, is_whole);
            Ok((no, ItemOutcome::Taken))
        }
        UserAct::Update(no) => {
            update(tx, peer, no, wire)?;
            classify(tx, no, wire, is_whole);
            Ok((no, ItemOutcome::Taken))
        }
        UserAct::Nothing(no) => {
            learn(tx, no, wire);
            Ok((no, ItemOutcome::Known))
        }
    }
}

/// Keeps what a peer says of its user being a bot or a guest; returns whether that is news. If it does not say the
/// whole of a profile, nothing follows from its silence.
fn classify(tx: &mut Tx<'_>, no: UserNo, wire: &WireUser, is_whole: bool) -> bool {
    if !Behaviour::UserClasses.is_in_force(tx) {
        return false;
    }
    let told = if wire.is_bot {
        let mut description = wire.bot_description.clone();
        if description.chars().count() > BOT_DESCRIPTION_CHARS_MAX {
            description.clear();
        }
        let owner = None;
        Some(UserClass::Bot { owner, description })
    } else {
        wire.is_guest.then_some(UserClass::Guest)
    };
    if told == tx.get::<UserClass>(&no) || (told.is_none() && !is_whole) {
        return false;
    }
    match &told {
        Some(class) => tx.put(&no, class),
        None => tx.delete::<UserClass>(&no),
    }
    true
}

/// A Mattermost server says who is a bot or a guest only when it offers all its users: the profile that is held here
/// comes again with it.
fn learn(tx: &mut Tx<'_>, no: UserNo, wire: &WireUser) {
    let Some(user) = tx.get::<User>(&no) else {
        return;
    };
    let held = user.remote.as_ref().map(|remote| remote.origin_update_at);
    let is_same = held == Some(wire.update_at);
    if is_same && (wire.is_bot || wire.is_guest) && classify(tx, no, wire, false) {
        users::update(tx, no, user);
    }
}

fn create(tx: &mut Tx<'_>, peer: &Peer, id: Id, wire: &WireUser) -> Result<UserNo, Reason> {
    take_place(tx, peer.row.workspace)?;
    let username = name_for(tx, peer, &wire.username, None).ok_or(Reason::NameTaken)?;
    // `.invalid` is reserved: no mail to this address is ever delivered.
    let email = format!("{}@{}.invalid", tx.new_id(), peer.row.name);
    let original_remote_id = match Id::parse(&wire.remote_id) {
        Some(told) => told,
        None => peer.row.remote_id,
    };
    let now_ms = tx.now_ms();
    let user = User {
        id,
        origin: peer.row.workspace,
        create_at: if wire.create_at == 0 {
            now_ms
        } else {
            wire.create_at
        },
        update_at: now_ms,
        delete_at: wire.delete_at,
        username,
        email,
        nickname: wire.nickname.clone(),
        first_name: wire.first_name.clone(),
        last_name: wire.last_name.clone(),
        position: wire.position.clone(),
        roles: "system_user".to_string(),
        locale: locale(&wire.locale),
        timezone: users::props_of(&wire.timezone, &[], None),
        props: users::props_of(&wire.props, &OWN_PROPS, None),
        last_picture_update: 0,
        remote: Some(RemoteUser {
            username: wire.username.clone(),
            email: wire.email.clone(),
            original_remote_id: original_remote_id.into(),
            origin_update_at: wire.update_at,
        }),
        feed_seq: FeedSeq(0),
    };
    Ok(users::insert(tx, &user))
}

/// Counts one more user of a peer, if the limit permits.
fn take_place(tx: &mut Tx<'_>, workspace: WorkspaceNo) -> Result<(), Reason> {
    if !Behaviour::BoundedUsers.is_in_force(tx) {
        return Ok(());
    }
    let mut row = tx
        .get::<PeerWorkspace>(&workspace)
        .ok_or(Reason::UnknownUser)?;
    let users_max = if Behaviour::SharedMemberships.is_in_force(tx) {
        REMOTE_USERS_MAX
    } else {
        WRITING_USERS_MAX
    };
    if row.users >= users_max {
        return Err(Reason::TooManyUsers);
    }
    row.users += 1;
    tx.put(&workspace, &row);
    Ok(())
}

/// Applies a newer profile. As in the reference, the local e-mail address, roles and origin are kept; the local
/// name is kept unless the name at home changes. Unlike there, a user who was deactivated at home is inactive here.
fn update(tx: &mut Tx<'_>, peer: &Peer, no: UserNo, wire: &WireUser) -> Result<(), Reason> {
    let Some(mut user) = tx.get::<User>(&no) else {
        return Err(Reason::UnknownUser);
    };
    let Some(mut remote) = user.remote.take() else {
        return Err(Reason::ForeignUser);
    };
    if remote.username != wire.username {
        let username = name_for(tx, peer, &wire.username, Some(no)).ok_or(Reason::NameTaken)?;
        users::rename(tx, no, &mut user, username);
        if !wire.username.contains(':') || Behaviour::NamesAsTold.is_in_force(tx) {
            remote.username.clone_from(&wire.username);
        }
    }
    remote.email.clone_from(&wire.email);
    remote.origin_update_at = wire.update_at;
    user.remote = Some(remote);
    user.nickname.clone_from(&wire.nickname);
    user.first_name.clone_from(&wire.first_name);
    user.last_name.clone_from(&wire.last_name);
    user.position.clone_from(&wire.position);
    user.locale = locale(&wire.locale);
    user.timezone = users::props_of(&wire.timezone, &[], None);
    user.props = users::props_of(&wire.props, &OWN_PROPS, None);
    if Behaviour::Deactivations.is_in_force(tx) {
        user.delete_at = wire.delete_at;
    }
    users::update(tx, no, user);
    Ok(())
}

/// The local name of a user whom the peer calls `home`.
fn name_for(tx: &mut Tx<'_>, peer: &Peer, home: &str, own: Option<UserNo>) -> Option<String> {
    if Behaviour::OwnNames.is_in_force(tx) {
        remote_names::choose(tx, &peer.row, home, own)
    } else {
        free_name(tx, peer, home, own)
    }
}

/// The name from before [`Behaviour::OwnNames`]: the first name of the suffix rule that is free or already
/// this user's own. A hub's users kept the suffixes of the hub's own connections; a suffix that was also the
/// name of another connection here was replaced by the sender's.
fn free_name(tx: &Tx<'_>, peer: &Peer, home: &str, own: Option<UserNo>) -> Option<String> {
    let munged =
        |name: &str, suffix| naming::munge(name, &peer.row.name, suffix, USERNAME_BYTES_MAX);
    let plain = munged(home, 0);
    let (first, shown) = plain.split_once(':').unwrap_or((&plain, ""));
    let holder = lookup::connection_name(tx, shown);
    let is_of_another = holder.is_some_and(|no| no != peer.no);
    let home = if is_of_another && Behaviour::OwnSuffixes.is_in_force(tx) {
        first
    } else {
        home
    };
    (1..=SUFFIX_ATTEMPTS_MAX)
        .map(|attempt| munged(home, if attempt == 1 { 0 } else { attempt }))
        .find(|name| lookup::username(tx, name).is_none_or(|owner| Some(owner) == own))
}

fn locale(told: &str) -> String {
    let fits = (2..=LOCALE_BYTES_MAX).contains(&told.len())
        && told
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        told.to_string()
    } else {
        "en".to_string()
    }
}

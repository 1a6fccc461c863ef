//! Names: which are allowed, and how a remote user's name is derived. Semantics §7.

use crate::model::limits::{
    CHANNEL_NAME_MAX, EMAIL_BYTES_MAX, EMOJI_BYTES_MAX, LOCALE_BYTES_MAX, USERNAME_BYTES_MAX,
};
use crate::rows::id::Id;

/// Maximum number of suffixes tried if the name of a remote user or channel is taken.
pub const SUFFIX_ATTEMPTS_MAX: u32 = 25;

/// Bytes of a group channel's URL name.
const GROUP_NAME_BYTES: usize = 40;

/// Names that no account may have.
const RESERVED_USERNAMES: [&str; 5] = ["all", "channel", "here", "matterbot", "system"];

/// Prefixes that a team's name may not have; they are paths of the web application.
const RESERVED_TEAM_NAMES: [&str; 17] = [
    "admin",
    "api",
    "channel",
    "claim",
    "error",
    "files",
    "help",
    "landing",
    "login",
    "mfa",
    "oauth",
    "plug",
    "plugins",
    "post",
    "signup",
    "boards",
    "playbooks",
];

/// Whether a local account may have this name: `^[a-z0-9.\-_]+$`, 1 to 64 bytes, not reserved.
#[must_use]
pub fn is_username(name: &str) -> bool {
    (1..=USERNAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(is_username_byte)
        && !RESERVED_USERNAMES.contains(&name)
}

/// Whether a peer's account may have this name at home; a forwarded name may contain `:`.
#[must_use]
pub fn is_remote_username(name: &str) -> bool {
    (1..=USERNAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| is_username_byte(byte) || byte == b':')
        && !name.starts_with(':')
}

fn is_username_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
}

/// Whether a connection may have this name: `^[a-z0-9.\-_]+$`, 1 to 64 bytes.
#[must_use]
pub fn is_connection_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(is_username_byte)
}

/// Whether a channel may have this URL name.
#[must_use]
pub fn is_channel_name(name: &str) -> bool {
    (1..=CHANNEL_NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        })
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// Whether a team may have this URL name.
#[must_use]
pub fn is_team_name(name: &str) -> bool {
    (2..=CHANNEL_NAME_MAX).contains(&name.len())
        && is_channel_name(name)
        && !name.contains('_')
        && !name.ends_with('-')
        && !is_reserved_team_name(name)
}

/// Whether a team's name starts with a path segment of the web application.
#[must_use]
pub fn is_reserved_team_name(name: &str) -> bool {
    RESERVED_TEAM_NAMES
        .iter()
        .any(|reserved| name.starts_with(reserved))
}

/// Bytes of a connection's name that are shown in the names of all its users; the rest may be cut off.
const CONNECTION_SHOWN_MIN: usize = 28;

/// Whether two connections cannot be told apart in all names of users, because both names may be cut to the
/// same prefix.
#[must_use]
pub fn are_look_alikes(one: &str, other: &str) -> bool {
    let shown = |name: &str| name.get(..CONNECTION_SHOWN_MIN).map(str::to_string);
    let both_are_longer = one.len().min(other.len()) > CONNECTION_SHOWN_MIN;
    one == other || (both_are_longer && shown(one) == shown(other))
}

/// Whether the name of a remote user belongs to this connection. The connection's name, possibly cut, follows
/// the colon.
#[must_use]
pub fn is_named_after(username: &str, connection: &str) -> bool {
    let Some((_, shown)) = username.split_once(':') else {
        return false;
    };
    let is_cut = |cut: &str| cut.len() >= CONNECTION_SHOWN_MIN && connection.starts_with(cut);
    shown == connection || shown.strip_suffix("...").is_some_and(is_cut)
}

/// The local name of a user reached over a connection, derived with [`munge`]. A part after a colon in the
/// peer's name for the user is the peer's own name for another workspace, not one of ours: it becomes part of
/// the user's name, `bob:site` over `hub` is `bob.site:hub`.
#[must_use]
pub fn remote_username(told: &str, connection: &str, attempt: u32) -> String {
    munge(
        &told.replace(':', "."),
        connection,
        attempt,
        USERNAME_BYTES_MAX,
    )
}

/// Whether a URL name looks like that of a direct channel, `<user id>__<user id>`, as clients would treat the
/// channel as one.
#[must_use]
pub fn is_direct_channel_name(name: &str) -> bool {
    name.split_once("__")
        .is_some_and(|(one, other)| Id::parse(one).is_some() && Id::parse(other).is_some())
}

/// Whether a URL name looks like that of a group channel, 40 digits of a digest. Any letters are accepted as
/// digits, so that a name with other letters in a masked recording gets the same result.
#[must_use]
pub fn is_group_channel_name(name: &str) -> bool {
    name.len() == GROUP_NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The first of `name`, `name-2`, `name-3` and so on that is not taken, cut to fit.
pub fn free_channel_name(name: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    let numbered = |attempt: u32| {
        let suffix = if attempt == 1 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let kept = name.len().min(CHANNEL_NAME_MAX - suffix.len());
        format!("{}{suffix}", name.get(..kept).unwrap_or(name))
    };
    (1..=SUFFIX_ATTEMPTS_MAX)
        .map(numbered)
        .find(|name| !is_taken(name))
}

/// Whether a local account may have this e-mail address: a name, `@` and a domain, in printable ASCII without
/// white space or upper case.
#[must_use]
pub fn is_email(email: &str) -> bool {
    let split = email.split_once('@');
    email.len() <= EMAIL_BYTES_MAX
        && split.is_some_and(|(name, domain)| {
            !name.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
        && email
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
}

/// Whether a text is a locale such as `en` or `en-AU`.
#[must_use]
pub fn is_locale(locale: &str) -> bool {
    (2..=LOCALE_BYTES_MAX).contains(&locale.len())
        && locale
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether an emoji may have this name: letters, digits, `-`, `+`, `_`. Which names have an image is up to
/// the clients.
#[must_use]
pub fn is_emoji_name(name: &str) -> bool {
    (1..=EMOJI_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'_'))
}

/// The local name of a remote user: `user` + suffix + `:` + `connection`, shortened to `max` bytes. Attempt 0
/// has no suffix. Names are ASCII, so cutting bytes never splits a character; otherwise the cut moves to the
/// start of the character.
#[must_use]
pub fn munge(user: &str, connection: &str, attempt: u32, max: usize) -> String {
    let suffix = if attempt == 0 {
        String::new()
    } else {
        format!("-{attempt}")
    };
    let mut parts = user.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: String = parts.collect();
    let (user, connection) = if user.contains(':') {
        (first, rest.as_str())
    } else {
        (user, connection)
    };
    let half = max / 2;
    let extra = half.saturating_sub(connection.len() + 1);
    let (user, user_dots) = shorten(user, user.len() + suffix.len(), half + extra);
    let before = user.len() + user_dots.len() + suffix.len();
    let room = max.saturating_sub(before);
    let (connection, connection_dots) = shorten(connection, connection.len() + 1, room);
    format!("{user}{suffix}{user_dots}:{connection}{connection_dots}")
}

/// Cuts the bytes over `room`, and three more for the dots.
fn shorten(text: &str, needed: usize, room: usize) -> (&str, &'static str) {
    if needed <= room {
        return (text, "");
    }
    let mut end = text.len().saturating_sub(needed - room + 3);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (text.get(..end).unwrap_or_default(), "...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_remote_users_are_those_of_the_reference() {
        let a = |n: usize| "A".repeat(n);
        let b = |n: usize| "B".repeat(n);
        let table: Vec<(String, String, u32, usize, String)> = vec![
            (String::new(), String::new(), 0, 64, ":".into()),
            (
                "bart".into(),
                "example.com".into(),
                0,
                64,
                "bart:example.com".into(),
            ),
            (
                "bart".into(),
                "example.com".into(),
                2,
                64,
                "bart-2:example.com".into(),
            ),
            (
                "bart".into(),
                "example1234567890.com".into(),
                0,
                24,
                "bart:example123456789...".into(),
            ),
            (
                "bart".into(),
                "example1234567890.com".into(),
                2,
                24,
                "bart-2:example1234567...".into(),
            ),
            (a(24), b(24), 0, 24, "AAAAAAAAA...:BBBBBBBB...".into()),
            (a(24), b(24), 10, 24, "AAAAAA-10...:BBBBBBBB...".into()),
            (
                a(40),
                "abc".into(),
                0,
                24,
                "AAAAAAAAAAAAAAAAA...:abc".into(),
            ),
            (
                a(40),
                "abc".into(),
                11,
                24,
                "AAAAAAAAAAAAAA-11...:abc".into(),
            ),
            (
                a(40),
                "abcdefghijk".into(),
                19,
                24,
                "AAAAAA-19...:abcdefghijk".into(),
            ),
            (
                a(40),
                "abc.com".into(),
                12,
                24,
                "AAAAAAAAAA-12...:abc.com".into(),
            ),
            (
                "bart".into(),
                b(40),
                12,
                24,
                "bart-12:BBBBBBBBBBBBB...".into(),
            ),
            ("bart:x:y".into(), "z".into(), 0, 64, "bart:xy".into()),
            (
                "a".repeat(33),
                "r".repeat(64),
                0,
                64,
                format!("{}...:{}...", "a".repeat(29), "r".repeat(28)),
            ),
        ];
        for (user, connection, attempt, max, expected) in table {
            assert_eq!(munge(&user, &connection, attempt, max), expected);
        }
    }

    #[test]
    fn names_follow_the_rules_of_the_api() {
        for name in ["ann", "a", "a.b-c_9", &"a".repeat(64)] {
            assert!(is_username(name), "{name}");
        }
        for name in [
            "",
            "Ann",
            "a b",
            "a:b",
            "all",
            "here",
            "system",
            "é",
            &"a".repeat(65),
        ] {
            assert!(!is_username(name), "{name}");
        }
        assert!(is_channel_name("town-square") && is_channel_name("0_a"));
        assert!(!is_channel_name("-a") && !is_channel_name("A") && !is_channel_name(""));
        assert!(is_team_name("crew-1"));
        for name in ["c", "c_1", "c-", "apis", "login-page", "Crew"] {
            assert!(!is_team_name(name), "{name}");
        }
        assert!(is_emoji_name("+1") && is_emoji_name("slightly_smiling_face"));
        assert!(!is_emoji_name("") && !is_emoji_name("a:b") && !is_emoji_name(&"a".repeat(65)));
        assert!(is_email("ann@example.org") && is_email("a+b@c"));
        for email in [
            "ann",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "Ann@example.org",
            "ä@b",
        ] {
            assert!(!is_email(email), "{email}");
        }
        assert!(is_locale("en") && is_locale("pt-BR"));
        assert!(!is_locale("e") && !is_locale("english") && !is_locale("e/"));
        let id = "ybndrfg8ejkmcpqxot1uwisza3";
        assert!(is_direct_channel_name(&format!("{id}__{id}")));
        assert!(!is_direct_channel_name("a__b"));
        assert!(
            is_group_channel_name(&"0a".repeat(20)) && !is_group_channel_name(&"0a".repeat(19))
        );
        assert!(!is_group_channel_name(&"0-".repeat(20)));
    }

    #[test]
    fn a_taken_channel_name_gets_a_number_and_fits() {
        let taken = ["joint", "joint-2"];
        let free = |name: &str| free_channel_name(name, |it| taken.contains(&it));
        assert_eq!(free("lounge").as_deref(), Some("lounge"));
        assert_eq!(free("joint").as_deref(), Some("joint-3"));
        let long = "a".repeat(64);
        let other = free_channel_name(&long, |it| it == long).unwrap();
        assert_eq!(other, format!("{}-2", "a".repeat(62)));
        assert!(is_channel_name(&other));
        assert_eq!(free_channel_name("joint", |_| true), None);
    }

    #[test]
    fn what_a_peer_tells_of_another_workspace_is_a_part_of_the_name() {
        assert_eq!(remote_username("bob", "hub", 1), "bob-1:hub");
        assert_eq!(remote_username("bob:site", "hub", 0), "bob.site:hub");
        assert_eq!(remote_username("bob:si:te", "hub", 2), "bob.si.te-2:hub");
    }

    #[test]
    fn connections_whose_names_are_cut_to_one_beginning_look_alike() {
        let r = |n: usize, end: &str| format!("{}{end}", "r".repeat(n));
        assert!(are_look_alikes("acme", "acme"));
        assert!(!are_look_alikes("acme", "acme-2"));
        assert!(!are_look_alikes(&r(28, ""), &r(28, "-2")));
        assert!(are_look_alikes(&r(28, "a"), &r(28, "b")));
        assert!(are_look_alikes(&r(28, "..."), &r(36, "")));
    }

    proptest! {
        #[test]
        fn a_name_says_whose_it_is_however_it_is_cut(
            user in "[a-z.:]{1,64}", one in "[a-b.]{1,64}", other in "[a-b.]{1,64}", n in 0u32..26,
        ) {
            let name = remote_username(&user, &one, n);
            prop_assert!(is_named_after(&name, &one), "{name}");
            if !are_look_alikes(&one, &other) {
                prop_assert!(!is_named_after(&name, &other), "{name}");
            }
        }

        #[test]
        fn names_never_exceed_the_maximum(u in "[a-z]{0,79}", r in "[a-z]{0,79}", n in 0u32..99) {
            prop_assert!(munge(&u, &r, n, 64).len() <= 64);
        }
    }
}

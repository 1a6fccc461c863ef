//! Who is told that a text mentions them. Client API §7.1.

use causeway_kernel::mention::{self, Reading};

/// Whether a text mentions a user: `@name`, in any ASCII case, or everybody of the channel.
/// The longest name wins: `@ann.b` does not mention `ann`, `@ann.` does.
#[must_use]
pub fn mentions(message: &str, username: &str) -> bool {
    let username = username.to_ascii_lowercase();
    let is_meant = |name: String| mention::is_everybody(&name) || name == username;
    mention::candidates(message, Reading::Markdown)
        .into_iter()
        .any(|candidate| candidate.names(message).any(is_meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_stands_around_them() {
        for text in [
            "@ann",
            "hi @Ann!",
            "(@ann)",
            "@ann.",
            "@ann: look",
            "x @bob @ann",
            "@@ann",
            "_@ann_",
        ] {
            assert!(mentions(text, "ann"), "{text}");
        }
        for text in [
            "ann",
            "@anna",
            "@ann.b",
            "mail ann@ann",
            "@",
            "",
            "@an n",
            "`@ann`",
            "    @ann",
        ] {
            assert!(!mentions(text, "ann"), "{text}");
        }
    }

    #[test]
    fn everybody_is_everybody() {
        assert!(mentions("@channel: lunch", "ann"));
        assert!(mentions("lunch, @HERE", "ann"));
        assert!(!mentions("@hereby", "ann"));
    }

    #[test]
    fn remote_names_hold_a_colon() {
        assert!(mentions("@ann:acme, hello", "ann:acme"));
        assert!(!mentions("@ann:acme, hello", "ann"));
    }
}

//! The trait that every command implements, and code derived from the list of all commands.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::boundary::codec;
use crate::boundary::input::Actor;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::HasTexts;
use crate::rows::tx::Tx;

/// The origin of a command.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// Who acts.
    pub(super) actor: Actor,
    /// The client's own key of this act, for exactly-once.
    pub(super) key: Option<&'a str>,
}

/// A command.
pub(super) trait Act: Serialize + DeserializeOwned + HasTexts {
    /// Version of its shape. It increases with every change of the fields; the previous shape is then kept,
    /// read by [`Act::of_older_version`] and written by [`Act::to_older_version`].
    const VERSION: u8 = 1;

    /// Reads a body of an older version.
    fn of_older_version(_version: u8, _body: &[u8]) -> Option<Self> {
        None
    }

    /// The body in an older version, for a kernel that reads that one; `None` if that has no place for
    /// something in it.
    fn to_older_version(&self, _version: u8) -> Option<Vec<u8>> {
        None
    }

    /// Carries out the command.
    ///
    /// # Errors
    /// The command's own refusal; everything written up to then is dropped.
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal>;
}

/// Declares the enum of all commands, each with its number in the journal.
macro_rules! commands {
    ($($name:ident = $number:literal,)*) => {
        /// A command. Objects are identified by number: the host resolves ids, and the kernel checks
        /// everything else again, including permissions. `Serialize` is only for display.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub enum Command {
            $(#[doc = concat!("See [`", stringify!($name), "`](struct@", stringify!($name), ").")]
            $name($name),)*
        }

        impl Command {
            /// Every command as it is written now.
            pub const KINDS: &'static [$crate::boundary::kind::InputKind] = &[$(
                $crate::boundary::kind::InputKind {
                    what: "command",
                    name: stringify!($name),
                    number: $number,
                    version: <$name as Act>::VERSION,
                },
            )*];

            /// Which command it is, as it is written now.
            #[must_use]
            pub fn kind(&self) -> &'static $crate::boundary::kind::InputKind {
                match self {
                    $(Command::$name(_) => &$crate::boundary::kind::InputKind {
                        what: "command",
                        name: stringify!($name),
                        number: $number,
                        version: <$name as Act>::VERSION,
                    },)*
                }
            }

            /// Appends the body to `out`.
            pub(crate) fn write(&self, out: Vec<u8>) -> Vec<u8> {
                match self { $(Command::$name(act) => $crate::boundary::codec::append(out, act),)* }
            }

            /// The body in its current or an older version; `None` if that version cannot be written.
            pub(crate) fn in_version(&self, version: u8) -> Option<Vec<u8>> {
                match self {
                    $(Command::$name(act) => $crate::command::registry::in_version(act, version),)*
                }
            }

            /// Reads a body.
            pub(crate) fn read(
                number: u8,
                version: u8,
                body: &[u8],
            ) -> Result<Command, $crate::boundary::codec::DecodeError> {
                let kind = $crate::boundary::kind::find(Command::KINDS, "command", number)?;
                kind.check(version)?;
                match number {
                    $($number => $crate::command::registry::read(version, body).map(Command::$name),)*
                    _ => None,
                }
                .ok_or($crate::boundary::codec::DecodeError::Shape)
            }

            fn act(
                &self,
                tx: &mut Tx<'_>,
                by: By<'_>,
            ) -> Result<Reply, $crate::boundary::output::Refusal> {
                match self { $(Command::$name(act) => act.carry_out(tx, by),)* }
            }
        }

        impl $crate::boundary::texts::HasTexts for Command {
            fn texts(&mut self, visitor: &mut dyn $crate::boundary::texts::TextVisitor) {
                match self { $(Command::$name(act) => act.texts(visitor),)* }
            }
        }
    };
}
pub(super) use commands;

/// Reads the body of a command in its current or an older version.
pub(super) fn read<A: Act>(version: u8, body: &[u8]) -> Option<A> {
    if version != A::VERSION {
        return A::of_older_version(version, body);
    }
    match postcard::take_from_bytes(body) {
        Ok((act, [])) => Some(act),
        _ => None,
    }
}

/// The body of a command in its current or an older version.
pub(super) fn in_version<A: Act>(act: &A, version: u8) -> Option<Vec<u8>> {
    if version == A::VERSION {
        Some(codec::append(Vec::new(), act))
    } else {
        act.to_older_version(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::texts::{Text, texts};
    use crate::command::Command;
    use serde::Deserialize;

    /// The shape before a colour was added.
    #[derive(Serialize, Deserialize)]
    struct PaintV1 {
        what: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Paint {
        what: String,
        colour: Option<String>,
    }
    texts!(
        struct Paint {
            what: Text::Words,
            colour: Text::Words,
        }
    );

    impl Act for Paint {
        const VERSION: u8 = 2;

        fn of_older_version(_: u8, body: &[u8]) -> Option<Paint> {
            let PaintV1 { what } = postcard::from_bytes(body).ok()?;
            Some(Paint { what, colour: None })
        }

        fn carry_out(&self, _: &mut Tx<'_>, _: By<'_>) -> Result<Reply, Refusal> {
            Ok(Reply::Done)
        }
    }

    #[test]
    fn a_field_more_leaves_what_was_journaled_before_readable() {
        let what = "door".to_string();
        let older = postcard::to_allocvec(&PaintV1 { what: what.clone() }).unwrap();
        let paint = |colour| Paint {
            what: what.clone(),
            colour,
        };
        assert_eq!(read(1, &older), Some(paint(None)));
        let today = paint(Some("red".into()));
        let bytes = postcard::to_allocvec(&today).unwrap();
        assert_eq!(read(2, &bytes), Some(today));
        assert_eq!(read::<Paint>(2, &older), None);
    }

    #[test]
    fn no_number_stands_for_two_commands() {
        let mut numbers: Vec<u8> = Command::KINDS.iter().map(|kind| kind.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), Command::KINDS.len());
    }
}

//! Classes of the texts in rows, inputs and verdicts. Every type that holds texts declares their classes next
//! to its definition; code that replaces them (a masked recording) needs to know nothing of the types that
//! hold them.
//!
//! `texts!` names every field of a type: a field without a class must be of a type that declares its own
//! texts, and neither `String` nor `Vec<u8>` does. A field that is left out, or a text without a class, does
//! not compile.

use std::mem;

use crate::model::kind;
use crate::rows::id::{
    ChannelNo, ConnectionNo, EmojiNo, FeedSeq, FileNo, Id, PostNo, TeamNo, UserNo, WorkspaceNo,
};

/// The class of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// User-written words or a name.
    Words,
    /// Made by the kernel or the host; contains no user-written words.
    Own,
    /// An id if valid; otherwise empty or whatever a peer sent.
    Id,
    /// An emoji's name or a post's type, if the text has that form.
    Token,
    /// A locale, if the text is one.
    Locale,
    /// A local user's e-mail address.
    Address,
    /// A team's URL name.
    TeamName,
    /// A channel's URL name.
    ChannelName,
    /// A channel's unique name: see [`kind::CHANNEL_NAME`].
    UniqueChannelName,
    /// A name by which a user is found in a search: see [`kind::LOCAL_NAME`].
    SearchedName,
    /// Why something was refused: in the words of a peer or a policy, or in [ours](crate::model::reasons).
    Refusal,
    /// A JSON pointer into [`Json::Any`].
    Pointer,
}

impl Text {
    /// The class of a unique name of a [`kind`].
    #[must_use]
    pub fn of_unique_name(kind: u8) -> Text {
        match kind {
            kind::EMAIL => Text::Address,
            kind::TEAM_NAME => Text::TeamName,
            kind::CHANNEL_NAME => Text::UniqueChannelName,
            kind::LOCAL_NAME | kind::REMOTE_NAME => Text::SearchedName,
            kind::EMOJI_NAME => Text::Token,
            _ => Text::Words,
        }
    }
}

/// The class of bytes or a text that should be JSON. They may have any other form, as a peer sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Json {
    /// A part of the protocol: the class of its members follows from their keys.
    Message,
    /// Anything.
    Any,
    /// Ids of users by the texts that mention them.
    Mentions,
}

/// Visits the texts of a value one by one, and may replace each.
pub trait TextVisitor {
    /// A text.
    fn text(&mut self, class: Text, text: &mut String);
    /// Bytes that should be JSON.
    fn json(&mut self, class: Json, bytes: &mut Vec<u8>);
}

/// A type that shows its texts. `u8` does not implement it, so a list of bytes cannot pass for numbers.
pub trait HasTexts {
    /// Shows every text to `visitor`.
    fn texts(&mut self, visitor: &mut dyn TextVisitor);
}

/// A class that a field of type `F` can be declared with.
pub trait Class<F: ?Sized> {
    /// Shows the field's text to `visitor`.
    fn show(self, field: &mut F, visitor: &mut dyn TextVisitor);
}

impl Class<String> for Text {
    fn show(self, field: &mut String, visitor: &mut dyn TextVisitor) {
        visitor.text(self, field);
    }
}

impl Class<Vec<u8>> for Json {
    fn show(self, field: &mut Vec<u8>, visitor: &mut dyn TextVisitor) {
        visitor.json(self, field);
    }
}

impl Class<String> for Json {
    fn show(self, field: &mut String, visitor: &mut dyn TextVisitor) {
        let mut bytes = mem::take(field).into_bytes();
        visitor.json(self, &mut bytes);
        // Visitors replace whole characters, so the result is valid UTF-8 again.
        *field = String::from_utf8_lossy(&bytes).into_owned();
    }
}

impl<F, C: Class<F>> Class<Option<F>> for C {
    fn show(self, field: &mut Option<F>, visitor: &mut dyn TextVisitor) {
        if let Some(field) = field {
            self.show(field, visitor);
        }
    }
}

/// A tuple that ends in a text.
impl<A: HasTexts> Class<(A, String)> for Text {
    fn show(self, (a, text): &mut (A, String), visitor: &mut dyn TextVisitor) {
        a.texts(visitor);
        self.show(text, visitor);
    }
}

/// A tuple that ends in a text.
impl<A: HasTexts, B: HasTexts> Class<(A, B, String)> for Text {
    fn show(self, (a, b, text): &mut (A, B, String), visitor: &mut dyn TextVisitor) {
        a.texts(visitor);
        b.texts(visitor);
        self.show(text, visitor);
    }
}

impl<T: HasTexts> HasTexts for Option<T> {
    fn texts(&mut self, visitor: &mut dyn TextVisitor) {
        self.iter_mut().for_each(|it| it.texts(visitor));
    }
}

impl<T: HasTexts> HasTexts for Vec<T> {
    fn texts(&mut self, visitor: &mut dyn TextVisitor) {
        self.iter_mut().for_each(|it| it.texts(visitor));
    }
}

impl<A: HasTexts, B: HasTexts> HasTexts for (A, B) {
    fn texts(&mut self, visitor: &mut dyn TextVisitor) {
        self.0.texts(visitor);
        self.1.texts(visitor);
    }
}

/// Implements [`HasTexts`] for types without texts. Each must be `Copy`, which nothing that holds a text is.
macro_rules! no_texts {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::boundary::texts::HasTexts for $name {
            fn texts(&mut self, _: &mut dyn $crate::boundary::texts::TextVisitor) {
                const fn is_copy<T: Copy>() {}
                const { is_copy::<$name>() }
            }
        }
    )*};
}
pub(crate) use no_texts;

/// Implements [`HasTexts`] for a type by naming all its fields, each text followed by its class:
/// `texts!(struct Reaction { post, emoji: Text::Token })`, `texts!(enum Act { Say(text: Text::Words), Move {
/// by }, Stop })`.
macro_rules! texts {
    (struct $name:ident { $($field:ident $(: $class:expr)?),* $(,)? }) => {
        impl $crate::boundary::texts::HasTexts for $name {
            fn texts(&mut self, visitor: &mut dyn $crate::boundary::texts::TextVisitor) {
                let $name { $($field),* } = self;
                $($crate::boundary::texts::texts!(@show visitor $field $($class)?);)*
            }
        }
    };
    (enum $name:ident { $($variant:ident
        $(($($part:ident $(: $part_class:expr)?),* $(,)?))?
        $({$($field:ident $(: $class:expr)?),* $(,)?})?
    ),* $(,)? }) => {
        impl $crate::boundary::texts::HasTexts for $name {
            fn texts(&mut self, visitor: &mut dyn $crate::boundary::texts::TextVisitor) {
                match self {$(
                    $name::$variant $(($($part),*))? $({$($field),*})? => {
                        $($($crate::boundary::texts::texts!(@show visitor $part $($part_class)?);)*)?
                        $($($crate::boundary::texts::texts!(@show visitor $field $($class)?);)*)?
                    }
                )*}
            }
        }
    };
    (@show $visitor:ident $field:ident) => {
        $crate::boundary::texts::HasTexts::texts($field, $visitor)
    };
    (@show $visitor:ident $field:ident $class:expr) => {
        $crate::boundary::texts::Class::show($class, $field, $visitor)
    };
}
pub(crate) use texts;

no_texts! {
    (), bool, u16, u32, u64, i64, Id, UserNo, TeamNo, ChannelNo, PostNo, WorkspaceNo, ConnectionNo,
    EmojiNo, FeedSeq, FileNo,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All(Vec<String>);

    impl TextVisitor for All {
        fn text(&mut self, class: Text, text: &mut String) {
            self.0.push(format!("{class:?} {text}"));
            *text = "x".into();
        }

        fn json(&mut self, class: Json, bytes: &mut Vec<u8>) {
            self.0
                .push(format!("{class:?} {}", String::from_utf8_lossy(bytes)));
            *bytes = b"{}".to_vec();
        }
    }

    #[derive(Debug, PartialEq)]
    struct Note {
        by: UserNo,
        text: String,
        title: Option<String>,
        props: String,
        frame: Vec<u8>,
        acts: Vec<Act>,
    }
    texts!(struct Note {
        by,
        text: Text::Words,
        title: Text::Words,
        props: Json::Any,
        frame: Json::Message,
        acts,
    });

    #[derive(Debug, PartialEq)]
    enum Act {
        React(u64, String),
        Move { to: (u64, u64, String) },
        Stop,
    }
    texts!(enum Act { React(_post, emoji: Text::Token), Move { to: Text::Own }, Stop });

    #[test]
    fn every_text_is_seen_once_and_can_be_replaced() {
        let mut note = Note {
            by: UserNo(1),
            text: "a".into(),
            title: Some("b".into()),
            props: "c".into(),
            frame: b"d".to_vec(),
            acts: vec![
                Act::React(1, "e".into()),
                Act::Move {
                    to: (1, 2, "f".into()),
                },
                Act::Stop,
            ],
        };
        let mut all = All(Vec::new());
        note.texts(&mut all);
        assert_eq!(
            all.0,
            [
                "Words a",
                "Words b",
                "Any c",
                "Message d",
                "Token e",
                "Own f"
            ]
        );
        let replaced = Note {
            by: UserNo(1),
            text: "x".into(),
            title: Some("x".into()),
            props: "{}".into(),
            frame: b"{}".to_vec(),
            acts: vec![
                Act::React(1, "x".into()),
                Act::Move {
                    to: (1, 2, "x".into()),
                },
                Act::Stop,
            ],
        };
        assert_eq!(note, replaced);
    }
}

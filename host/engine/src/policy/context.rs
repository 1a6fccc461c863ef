//! What questions of several gates consist of, in the contract's types.

use causeway_kernel::boundary::policy::{Audience, Context, Direction, Home, Passage, Person};

use super::bindings::v0_2::causeway::policy::context as v0_2;
use super::bindings::v0_3::causeway::policy::context as wit;

/// What a question about something outside channels begins with.
pub(super) fn crossing(passage: &Passage<'_>) -> wit::Crossing {
    wit::Crossing {
        direction: match passage.direction {
            Direction::Inbound => wit::Direction::Inbound,
            Direction::Outbound => wit::Direction::Outbound,
        },
        connection: connection(passage.connection_id, passage.connection_name),
        time_ms: passage.now_ms,
    }
}

/// What a question about something in a channel begins with.
pub(super) fn crossing_of(context: &Context<'_>) -> wit::Crossing {
    crossing(&Passage {
        direction: context.direction,
        connection_id: context.connection_id,
        connection_name: context.connection_name,
        now_ms: context.now_ms,
    })
}

/// The channel of a question.
pub(super) fn channel_of(context: &Context<'_>) -> wit::Channel {
    channel(context.channel_id, context.channel_name, context.audience)
}

/// A channel.
pub(super) fn channel(id: &str, name: &str, audience: Audience) -> wit::Channel {
    wit::Channel {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: match audience {
            Audience::Open => wit::ChannelKind::Open,
            Audience::Private => wit::ChannelKind::Private,
            Audience::Direct => wit::ChannelKind::Direct,
            Audience::Group => wit::ChannelKind::Group,
        },
    }
}

/// Whose the object of a question is.
pub(super) fn author_of(context: &Context<'_>) -> wit::Person {
    person(&Person {
        id: context.author_id,
        name: context.author_name,
        home: context.author_home,
    })
}

/// A person.
pub(super) fn person(person: &Person<'_>) -> wit::Person {
    wit::Person {
        id: person.id.to_owned(),
        name: person.name.to_owned(),
        home: match person.home {
            Home::Here => wit::Home::Here,
            Home::Connected { id, name } => wit::Home::Connected(connection(id, name)),
            Home::Elsewhere => wit::Home::Elsewhere,
        },
    }
}

fn connection(id: &str, name: &str) -> wit::Connection {
    wit::Connection {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

/// What every question of the version before begins with.
pub(super) fn context_v0_2(context: &Context<'_>) -> v0_2::Context {
    let connection = |id: &str, name: &str| v0_2::Connection {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    v0_2::Context {
        direction: match context.direction {
            Direction::Inbound => v0_2::Direction::Inbound,
            Direction::Outbound => v0_2::Direction::Outbound,
        },
        connection: connection(context.connection_id, context.connection_name),
        channel: v0_2::Channel {
            id: context.channel_id.to_owned(),
            name: context.channel_name.to_owned(),
            kind: match context.audience {
                Audience::Open => v0_2::ChannelKind::Open,
                Audience::Private => v0_2::ChannelKind::Private,
                Audience::Direct => v0_2::ChannelKind::Direct,
                Audience::Group => v0_2::ChannelKind::Group,
            },
        },
        author: v0_2::Person {
            id: context.author_id.to_owned(),
            name: context.author_name.to_owned(),
            home: match context.author_home {
                Home::Here => v0_2::Home::Here,
                Home::Connected { id, name } => v0_2::Home::Connected(connection(id, name)),
                Home::Elsewhere => v0_2::Home::Elsewhere,
            },
        },
        time_ms: context.now_ms,
    }
}

//! The encoding of an input.
//!
//! Envelope 2, used for writing: the byte 2, the kind's number, the kind's version and the body in postcard.
//! The body of a command is the actor and the key, then the command's number, its version and its own body.
//!
//! Envelope 1, from before kinds had their own versions: the byte 1 and the same without the versions, each
//! of which is 1.

use serde::{Deserialize, Serialize};

use crate::boundary::codec::{DecodeError, append, started};
use crate::boundary::input::{Actor, Input};
use crate::boundary::kind::{self, InputKind};
use crate::command::Command;

/// The envelope used for writing.
pub const ENVELOPE: u8 = 2;
/// The envelope without versions of kinds.
const UNVERSIONED: u8 = 1;
/// Envelopes that this kernel reads, newest first.
pub const ENVELOPES: &[u8] = &[ENVELOPE, UNVERSIONED];

macro_rules! kinds {
    ($($place:ident = $number:literal version $version:literal: $name:ident $pattern:tt,)*) => {
        $(const $place: u8 = $number;)*

        /// Every kind of input as it is written now, by number.
        pub const KINDS: &[InputKind] = &[$(
            InputKind {
                what: "input",
                name: stringify!($name),
                number: $number,
                version: $version,
            },
        )*];

        /// The kind of an input.
        fn kind_of(input: &Input) -> &'static InputKind {
            match input {
                $(Input::$name $pattern => &InputKind {
                    what: "input",
                    name: stringify!($name),
                    number: $number,
                    version: $version,
                },)*
            }
        }
    };
}

// A number identifies its kind in the journal for ever and is never reused.
kinds! {
    GENESIS = 0 version 1: Genesis(_),
    COMMAND = 1 version 1: Command { .. },
    FRAME = 2 version 1: Frame { .. },
    QUARANTINE = 3 version 1: Quarantine { .. },
    RECEIPT = 4 version 1: Receipt(_),
    PING = 5 version 1: Ping { .. },
    TIMER = 6 version 1: Timer {},
    RESUME = 7 version 1: Resume {},
    RESTORED = 8 version 1: Restored {},
    POLICY_CHANGED = 9 version 2: PolicyChanged { .. },
    KERNEL_CHANGED = 10 version 1: KernelChanged { .. },
    FRAME_PART = 11 version 1: FramePart { .. },
    DUE_PART = 12 version 1: DuePart(_),
    STATUSES = 13 version 1: Statuses(_),
    UPLOAD = 14 version 1: Upload { .. },
    PICTURE = 15 version 1: Picture { .. },
}

/// Encodes an input.
pub(super) fn encode(input: &Input) -> Vec<u8> {
    write(ENVELOPE, input)
}

/// Encodes an input for a kernel that read `recorded`: in its envelope and its versions.
pub(super) fn encode_like(input: &Input, recorded: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (envelope, _) = recorded.split_first().ok_or(DecodeError::Empty)?;
    let mut from = Reader::of(recorded)?;
    from.expect(&written_kind(input))?;
    let Input::Command {
        actor,
        key,
        command,
    } = input
    else {
        return Ok(write(*envelope, input));
    };
    from.part::<(Actor, Option<String>)>()?;
    let kind = command.kind();
    let (number, version) = from.kind()?;
    let body = command.in_version(version);
    let body = body.filter(|_| number == kind.number);
    let body = body.ok_or(DecodeError::Written(*kind, version))?;
    let out = head(*envelope, started(*envelope), kind_of(input));
    let written = InputKind { version, ..*kind };
    let mut out = head(*envelope, append(out, &(actor, key)), &written);
    out.extend(body);
    Ok(out)
}

/// The kind of an input in the version in which it is written: an older one if the input was read in that version and
/// has nothing that came later.
fn written_kind(input: &Input) -> InputKind {
    let kind = *kind_of(input);
    match input {
        Input::PolicyChanged { gates: None, .. } => InputKind { version: 1, ..kind },
        _ => kind,
    }
}

/// `out` followed by the number and the version of a kind.
fn head(envelope: u8, mut out: Vec<u8>, kind: &InputKind) -> Vec<u8> {
    out.push(kind.number);
    out.extend((envelope != UNVERSIONED).then_some(kind.version));
    out
}

fn write(envelope: u8, input: &Input) -> Vec<u8> {
    let out = head(envelope, started(envelope), &written_kind(input));
    match input {
        Input::Genesis(genesis) => append(out, genesis),
        Input::Command {
            actor,
            key,
            command,
        } => command.write(head(envelope, append(out, &(actor, key)), command.kind())),
        Input::Frame {
            connection,
            body,
            skip,
        } => append(out, &(connection, Bytes(body), skip)),
        Input::FramePart { connection, part } => append(out, &(connection, part)),
        Input::Quarantine {
            connection,
            body,
            reason,
        } => append(out, &(connection, Bytes(body), reason)),
        Input::Receipt(receipt) => append(out, receipt),
        Input::Ping { connection, answer } => append(out, &(connection, answer)),
        Input::DuePart(part) => append(out, part),
        Input::Statuses(changes) => append(out, changes),
        Input::Upload {
            connection,
            upload,
            progress,
        } => append(out, &(connection, upload, progress)),
        Input::Picture {
            connection,
            user,
            digest,
            size,
        } => append(out, &(connection, user, digest, size)),
        Input::Timer | Input::Resume | Input::Restored => out,
        Input::PolicyChanged { chain, what, gates } => {
            let out = append(out, &(chain, what));
            match gates {
                Some(gates) => append(out, gates),
                None => out,
            }
        }
        Input::KernelChanged { digest } => append(out, digest),
    }
}

/// Decodes an input.
pub(super) fn decode(bytes: &[u8]) -> Result<Input, DecodeError> {
    let mut from = Reader::of(bytes)?;
    let (number, version) = from.kind()?;
    kind::find(KINDS, "input", number)?.check(version)?;
    let input = match number {
        GENESIS => Input::Genesis(from.part()?),
        COMMAND => {
            let (actor, key) = from.part()?;
            let (number, version) = from.kind()?;
            let command = Command::read(number, version, from.rest)?;
            return Ok(Input::Command {
                actor,
                key,
                command,
            });
        }
        FRAME => {
            let (connection, ByteBuf(body), skip) = from.part()?;
            Input::Frame {
                connection,
                body,
                skip,
            }
        }
        QUARANTINE => {
            let (connection, ByteBuf(body), reason) = from.part()?;
            Input::Quarantine {
                connection,
                body,
                reason,
            }
        }
        FRAME_PART => {
            let (connection, part) = from.part()?;
            Input::FramePart { connection, part }
        }
        RECEIPT => Input::Receipt(from.part()?),
        PING => {
            let (connection, answer) = from.part()?;
            Input::Ping { connection, answer }
        }
        TIMER => Input::Timer,
        DUE_PART => Input::DuePart(from.part()?),
        STATUSES => Input::Statuses(from.part()?),
        UPLOAD => {
            let (connection, upload, progress) = from.part()?;
            Input::Upload {
                connection,
                upload,
                progress,
            }
        }
        PICTURE => {
            let (connection, user, digest, size) = from.part()?;
            Input::Picture {
                connection,
                user,
                digest,
                size,
            }
        }
        RESUME => Input::Resume,
        RESTORED => Input::Restored,
        POLICY_CHANGED => {
            let (chain, what) = from.part()?;
            let gates = match version {
                1 => None,
                _ => Some(from.part()?),
            };
            Input::PolicyChanged { chain, what, gates }
        }
        KERNEL_CHANGED => Input::KernelChanged {
            digest: from.part()?,
        },
        _ => return Err(DecodeError::Kind("input", number)),
    };
    match from.rest {
        [] => Ok(input),
        _ => Err(DecodeError::Shape),
    }
}

#[derive(Serialize)]
struct Bytes<'a>(#[serde(with = "serde_bytes")] &'a [u8]);

#[derive(Deserialize)]
struct ByteBuf(#[serde(with = "serde_bytes")] Vec<u8>);

/// Reads an envelope from its beginning.
struct Reader<'a> {
    is_versioned: bool,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn of(bytes: &'a [u8]) -> Result<Reader<'a>, DecodeError> {
        let (envelope, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if !ENVELOPES.contains(envelope) {
            return Err(DecodeError::Version(*envelope));
        }
        let is_versioned = *envelope != UNVERSIONED;
        Ok(Reader { is_versioned, rest })
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.rest.split_first().ok_or(DecodeError::Shape)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Number and version of a kind.
    fn kind(&mut self) -> Result<(u8, u8), DecodeError> {
        let number = self.byte()?;
        let version = if self.is_versioned { self.byte()? } else { 1 };
        Ok((number, version))
    }

    /// Requires a kind as it is written now.
    fn expect(&mut self, kind: &InputKind) -> Result<(), DecodeError> {
        match self.kind()? {
            (number, version) if (number, version) == (kind.number, kind.version) => Ok(()),
            (_, version) => Err(DecodeError::Written(*kind, version)),
        }
    }

    fn part<T: Deserialize<'a>>(&mut self) -> Result<T, DecodeError> {
        let (part, rest) = postcard::take_from_bytes(self.rest).map_err(|_| DecodeError::Shape)?;
        self.rest = rest;
        Ok(part)
    }
}

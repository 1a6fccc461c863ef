//! The canonical encoding of everything that crosses the kernel's boundary: inputs, replies, effects,
//! questions and verdicts. The journal holds and digests the same bytes, so a replayer needs no business
//! types. Each is one version byte and postcard; inputs have an [`envelope`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::boundary::envelope;
use crate::boundary::input::Input;
use crate::boundary::kind::InputKind;
use crate::boundary::output::{Effect, Reply};
use crate::boundary::policy::{Question, Verdict};

/// The envelope used for writing inputs; see [`envelope`].
pub const INPUT_VERSION: u8 = envelope::ENVELOPE;
/// Input envelopes that this kernel reads, newest first.
pub const INPUT_VERSIONS: &[u8] = envelope::ENVELOPES;
/// The version byte before an encoded reply.
pub const REPLY_VERSION: u8 = 1;
/// The version byte before an encoded effect.
pub const EFFECT_VERSION: u8 = 1;
/// The version byte before an encoded question.
pub const QUESTION_VERSION: u8 = 1;
/// The version byte before an encoded verdict.
pub const VERDICT_VERSION: u8 = 1;

/// Why bytes cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// There is no version byte.
    Empty,
    /// Unsupported version.
    Version(u8),
    /// Unknown input or command (which of the two, its number).
    Kind(&'static str, u8),
    /// Unsupported version of a kind.
    KindVersion(InputKind, u8),
    /// A version of a kind that this code no longer writes.
    Written(InputKind, u8),
    /// The body does not have the shape of its version.
    Shape,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Empty => f.write_str("there are no bytes"),
            DecodeError::Version(version) => write!(f, "version {version} is not known"),
            DecodeError::Kind(what, number) => write!(f, "{what} number {number} is not known"),
            DecodeError::KindVersion(kind, version) => write!(
                f,
                "{kind} has version {version}; versions up to {} are read here",
                kind.version
            ),
            DecodeError::Written(kind, version) => write!(
                f,
                "{kind} was recorded in version {version} and is written in version {} here",
                kind.version
            ),
            DecodeError::Shape => f.write_str("the bytes do not have the shape of their version"),
        }
    }
}

impl std::error::Error for DecodeError {}

fn encode<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    // Encoding plain data into a vector cannot fail; a bare version byte would not decode.
    versioned(version, value).unwrap_or_else(|_| vec![version])
}

/// A version byte and a value in postcard.
pub(crate) fn versioned<T: Serialize>(version: u8, value: &T) -> postcard::Result<Vec<u8>> {
    postcard::serialize_with_flavor(value, Appended(started(version)))
}

/// A version byte, and room for what follows.
pub(crate) fn started(version: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ENCODED_BYTES);
    bytes.push(version);
    bytes
}

/// `bytes` followed by a value in postcard.
pub(crate) fn append<T: Serialize>(bytes: Vec<u8>, value: &T) -> Vec<u8> {
    // Encoding plain data into a vector cannot fail; no bytes at all would not decode.
    postcard::serialize_with_flavor(value, Appended(bytes)).unwrap_or_default()
}

/// Size of an ordinary row in bytes; the buffer grows for longer ones.
const ENCODED_BYTES: usize = 240;

/// Appends to a vector, whole texts at once.
struct Appended(Vec<u8>);

impl postcard::ser_flavors::Flavor for Appended {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

fn decode<'a, T: Deserialize<'a>>(version: u8, bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (found, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *found != version {
        return Err(DecodeError::Version(*found));
    }
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        _ => Err(DecodeError::Shape),
    }
}

/// Encodes an input.
#[must_use]
pub fn encode_input(input: &Input) -> Vec<u8> {
    envelope::encode(input)
}

/// Decodes an input.
///
/// # Errors
/// If the bytes have an unsupported version or shape.
pub fn decode_input(bytes: &[u8]) -> Result<Input, DecodeError> {
    envelope::decode(bytes)
}

/// Encodes an input in the envelope and versions of `recorded`, for a kernel that read that: both must be the
/// same kind of input and the same command.
///
/// # Errors
/// If this code no longer writes these versions, or `recorded` cannot be read.
pub fn encode_input_like(input: &Input, recorded: &[u8]) -> Result<Vec<u8>, DecodeError> {
    envelope::encode_like(input, recorded)
}

/// Encodes a reply.
#[must_use]
pub fn encode_reply(reply: &Reply) -> Vec<u8> {
    encode(REPLY_VERSION, reply)
}

/// Decodes a reply.
///
/// # Errors
/// If the bytes have an unsupported version or shape.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply, DecodeError> {
    decode(REPLY_VERSION, bytes)
}

/// Encodes an effect.
#[must_use]
pub fn encode_effect(effect: &Effect) -> Vec<u8> {
    encode(EFFECT_VERSION, effect)
}

/// Decodes an effect.
///
/// # Errors
/// If the bytes have an unsupported version or shape.
pub fn decode_effect(bytes: &[u8]) -> Result<Effect, DecodeError> {
    decode(EFFECT_VERSION, bytes)
}

/// Encodes a question.
#[must_use]
pub fn encode_question(question: &Question<'_>) -> Vec<u8> {
    encode(QUESTION_VERSION, question)
}

/// Decodes a question.
///
/// # Errors
/// If the bytes have an unsupported version or shape.
pub fn decode_question(bytes: &[u8]) -> Result<Question<'_>, DecodeError> {
    decode(QUESTION_VERSION, bytes)
}

/// Encodes a verdict.
#[must_use]
pub fn encode_verdict(verdict: &Verdict) -> Vec<u8> {
    encode(VERDICT_VERSION, verdict)
}

/// Decodes a verdict.
///
/// # Errors
/// If the bytes have an unsupported version or shape.
pub fn decode_verdict(bytes: &[u8]) -> Result<Verdict, DecodeError> {
    decode(VERDICT_VERSION, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::policy::Denial;
    use crate::rows::id::ConnectionNo;

    fn frame(body: &[u8]) -> Input {
        Input::Frame {
            connection: ConnectionNo(7),
            body: body.to_vec(),
            skip: vec![(2, 3)],
        }
    }

    #[test]
    fn what_was_encoded_decodes() {
        let input = frame(b"{\"a\":1}");
        assert_eq!(decode_input(&encode_input(&input)), Ok(input));
        let reply = Reply::Http {
            status: 200,
            body: b"{}".to_vec(),
        };
        assert_eq!(decode_reply(&encode_reply(&reply)), Ok(reply));
        let effect = Effect::Wake { at_ms: -5 };
        assert_eq!(decode_effect(&encode_effect(&effect)), Ok(effect));
        let verdicts = [
            Verdict::Deny(Denial::for_reason("no")),
            Verdict::Silence(vec![0, 99]),
        ];
        for verdict in verdicts {
            assert_eq!(decode_verdict(&encode_verdict(&verdict)), Ok(verdict));
        }
    }

    #[test]
    fn foreign_versions_and_damaged_bytes_are_refused() {
        assert_eq!(decode_input(&[]), Err(DecodeError::Empty));
        let mut bytes = encode_input(&frame(b"xyz"));
        let last = bytes.len() - 1;
        assert_eq!(decode_input(&bytes[..last]), Err(DecodeError::Shape));
        bytes.push(0);
        assert_eq!(decode_input(&bytes), Err(DecodeError::Shape));
        bytes[0] = 99;
        assert_eq!(decode_input(&bytes), Err(DecodeError::Version(99)));
    }

    #[test]
    fn byte_fields_have_the_format_of_plain_vectors() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Plain(Vec<u8>);
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Whole(#[serde(with = "serde_bytes")] Vec<u8>);
        let body: Vec<u8> = (0..=255).collect();
        let plain = postcard::to_allocvec(&Plain(body.clone())).unwrap();
        let whole = postcard::to_allocvec(&Whole(body.clone())).unwrap();
        assert_eq!(plain, whole);
        assert_eq!(postcard::from_bytes(&plain), Ok(Whole(body)));
    }
}

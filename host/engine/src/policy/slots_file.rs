//! The file that lists the slots in their order, and the shadows.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{OnFailure, PolicyInfo, PreviousVersion};

/// How the file begins. Its first byte cannot be the first one of the earliest format: that is the
/// number of slots, of which there were at most 16.
const MAGIC: &[u8] = b"CWSLOTS";

/// The version that this release writes.
const VERSION: u8 = 3;

/// A slot of the earliest format.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct SlotV1 {
    name: String,
    digest: String,
    settings: String,
    on_failure: OnFailure,
}

/// A slot of version 2, which knew no signatures and no shadows.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct SlotV2 {
    name: String,
    digest: String,
    settings: String,
    on_failure: OnFailure,
    is_enabled: bool,
    previous: Option<PreviousV2>,
}

/// What a slot of version 2 had before.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct PreviousV2 {
    digest: String,
    settings: String,
    on_failure: OnFailure,
}

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// The slots of the chain, in their order.
    pub in_force: Vec<PolicyInfo>,
    /// The shadows.
    pub shadows: Vec<PolicyInfo>,
}

/// The content of the file.
pub(super) fn encode(listed: &Listed) -> Result<Vec<u8>, String> {
    let head = [MAGIC, &[VERSION]].concat();
    postcard::to_extend(listed, head).map_err(|error| error.to_string())
}

/// The slots of a file of any version up to this one.
pub(super) fn decode(bytes: &[u8]) -> Result<Listed, String> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let slots: Vec<SlotV1> = read(bytes)?;
        return Ok(in_force(slots.into_iter().map(of_v1)));
    };
    match rest.split_first() {
        Some((&VERSION, listed)) => read(listed),
        Some((2, slots)) => {
            let slots: Vec<SlotV2> = read(slots)?;
            Ok(in_force(slots.into_iter().map(of_v2)))
        }
        Some((version, _)) => Err(format!(
            "it has version {version}, and this release reads versions up to {VERSION}"
        )),
        None => Err("it ends after its first bytes".into()),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

fn in_force(slots: impl Iterator<Item = PolicyInfo>) -> Listed {
    Listed {
        in_force: slots.collect(),
        shadows: Vec::new(),
    }
}

fn of_v1(slot: SlotV1) -> PolicyInfo {
    PolicyInfo {
        name: slot.name,
        digest: slot.digest,
        settings: slot.settings,
        on_failure: slot.on_failure,
        is_enabled: true,
        previous: None,
        signature: None,
    }
}

fn of_v2(slot: SlotV2) -> PolicyInfo {
    let previous = slot.previous.map(|previous| PreviousVersion {
        digest: previous.digest,
        settings: previous.settings,
        on_failure: previous.on_failure,
        signature: None,
    });
    PolicyInfo {
        name: slot.name,
        digest: slot.digest,
        settings: slot.settings,
        on_failure: slot.on_failure,
        is_enabled: slot.is_enabled,
        previous,
        signature: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::SLOTS_MAX;
    use super::*;

    fn info(name: &str) -> PolicyInfo {
        PolicyInfo {
            name: name.into(),
            digest: "d1".into(),
            settings: "s1".into(),
            on_failure: OnFailure::Allow,
            is_enabled: true,
            previous: None,
            signature: None,
        }
    }

    fn disabled(signature: Option<&str>) -> PolicyInfo {
        PolicyInfo {
            is_enabled: false,
            previous: Some(PreviousVersion {
                digest: "d0".into(),
                settings: "s0".into(),
                on_failure: OnFailure::Allow,
                signature: signature.map(Into::into),
            }),
            signature: signature.map(Into::into),
            ..info("two")
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_later_version_is_refused() {
        let listed = Listed {
            in_force: vec![info("one"), disabled(Some("signed"))],
            shadows: vec![info("two")],
        };
        let mut bytes = encode(&listed).unwrap();
        assert_eq!(decode(&bytes).unwrap(), listed);
        bytes[MAGIC.len()] += 1;
        assert!(decode(&bytes).unwrap_err().contains("version 4"));
        assert!(decode(MAGIC).is_err());
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn the_version_before_is_read() {
        let old = |info: PolicyInfo| SlotV2 {
            name: info.name,
            digest: info.digest,
            settings: info.settings,
            on_failure: info.on_failure,
            is_enabled: info.is_enabled,
            previous: info.previous.map(|previous| PreviousV2 {
                digest: previous.digest,
                settings: previous.settings,
                on_failure: previous.on_failure,
            }),
        };
        let slots = [old(info("one")), old(disabled(None))];
        let head = [MAGIC, &[2]].concat();
        let bytes = postcard::to_extend(slots.as_slice(), head).unwrap();
        let listed = decode(&bytes).unwrap();
        assert_eq!(listed.in_force, [info("one"), disabled(None)]);
        assert_eq!(listed.shadows, []);
    }

    #[test]
    fn the_earliest_format_is_read() {
        let old = |name: &str| SlotV1 {
            name: name.into(),
            digest: "d1".into(),
            settings: "s1".into(),
            on_failure: OnFailure::Allow,
        };
        let bytes = postcard::to_allocvec(&[old("one"), old("two")].as_slice()).unwrap();
        let listed = decode(&bytes).unwrap();
        assert_eq!(listed.in_force, [info("one"), info("two")]);
        assert_eq!(decode(&[0]).unwrap(), Listed::default());
        assert!(usize::from(MAGIC[0]) > SLOTS_MAX);
    }
}

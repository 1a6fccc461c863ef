//! The file that lists the slots in their order.

use serde::Deserialize;

use super::{OnFailure, PolicyInfo};

/// How the file begins. Its first byte cannot be the first one of the earliest format: that is the
/// number of slots, of which there were at most 16.
const MAGIC: &[u8] = b"CWSLOTS";

/// The version that this release writes.
const VERSION: u8 = 2;

/// A slot of the earliest format.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct SlotV1 {
    name: String,
    digest: String,
    settings: String,
    on_failure: OnFailure,
}

/// The content of the file.
pub(super) fn encode(slots: &[&PolicyInfo]) -> Result<Vec<u8>, String> {
    let head = [MAGIC, &[VERSION]].concat();
    postcard::to_extend(slots, head).map_err(|error| error.to_string())
}

/// The slots of a file of any version up to this one.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<PolicyInfo>, String> {
    let said = |error: postcard::Error| error.to_string();
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let slots: Vec<SlotV1> = postcard::from_bytes(bytes).map_err(said)?;
        return Ok(slots.into_iter().map(of_v1).collect());
    };
    match rest.split_first() {
        Some((&VERSION, slots)) => postcard::from_bytes(slots).map_err(said),
        Some((version, _)) => Err(format!(
            "it has version {version}, and this release reads versions up to {VERSION}"
        )),
        None => Err("it ends after its first bytes".into()),
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
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PreviousVersion, SLOTS_MAX};
    use super::*;

    fn info(name: &str) -> PolicyInfo {
        PolicyInfo {
            name: name.into(),
            digest: "d1".into(),
            settings: "s1".into(),
            on_failure: OnFailure::Allow,
            is_enabled: true,
            previous: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_later_version_is_refused() {
        let disabled = PolicyInfo {
            is_enabled: false,
            previous: Some(PreviousVersion {
                digest: "d0".into(),
                settings: "s0".into(),
                on_failure: OnFailure::Allow,
            }),
            ..info("two")
        };
        let mut bytes = encode(&[&info("one"), &disabled]).unwrap();
        assert_eq!(decode(&bytes).unwrap(), [info("one"), disabled]);
        bytes[MAGIC.len()] += 1;
        assert!(decode(&bytes).unwrap_err().contains("version 3"));
        assert!(decode(MAGIC).is_err());
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
        assert_eq!(decode(&bytes).unwrap(), [info("one"), info("two")]);
        assert_eq!(decode(&[0]).unwrap(), []);
        assert!(usize::from(MAGIC[0]) > SLOTS_MAX);
    }
}

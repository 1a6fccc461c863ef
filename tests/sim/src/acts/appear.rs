//! Users come, go and choose statuses: the host gives the newest ones to the kernel together.

use super::{AtWorkspace, Spec};

pub(super) const SPEC: Spec = Spec {
    weight: 6,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Arranges(|world, node| world.appear(node)),
    // The recorded servers send a status in a message of its own, which a malicious peer does too.
    at_mattermost: |_| None,
};

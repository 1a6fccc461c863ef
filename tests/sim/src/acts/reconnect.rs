//! Removes the connection to the hub, and creates it again.

use super::{AtWorkspace, Spec};

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Arranges(|world, node| world.reconnect(node)),
    // Its connection is created once, before the run.
    at_mattermost: |_| None,
};

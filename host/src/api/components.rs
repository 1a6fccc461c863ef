//! The permission to use a component of an integration. Whatever calls an integration, or writes what one has sent,
//! needs it first.

use causeway_kernel::command::{Command, UseComponent};
use causeway_kernel::gate;
use causeway_kernel::model::Component;
use causeway_kernel::rows::id::{ChannelNo, UserNo};

use crate::app::App;
use crate::http::ApiError;

/// Requires that somebody may use a component in a channel now. Only a policy needs a step for that.
///
/// # Errors
/// 403 in a channel that is shared with other workspaces, unless the feature flag is on and no policy denies it; 503 if a
/// policy failed.
pub(super) async fn require_use(
    app: &App,
    user: UserNo,
    channel: ChannelNo,
    component: Component,
) -> Result<(), ApiError> {
    let is_asked = gate::require_on(&app.rows(), channel)?;
    if is_asked {
        let command = UseComponent { channel, component };
        app.act(user, Command::UseComponent(command)).await?;
    }
    Ok(())
}

//! Posts that a user has saved. Saving one is setting a preference. Client API §6.4.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use causeway_kernel::rows::lookup;
use causeway_views::json::TooLong;
use causeway_views::query::saved::{self, Within};

use super::answer::ApiResult;
use super::path::{Ids, Params};
use super::posts::render_list;
use crate::app::{Caller, SharedApp};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/users/{user_id}/posts/flagged", get(page))
}

async fn page(State(app): State<SharedApp>, caller: Caller, ids: Ids, params: Params) -> ApiResult {
    let rows = app.rows();
    let user = ids.caller_alone(&rows, &caller)?;
    let channel = params.id("channel_id")?;
    let team = params.id("team_id")?;
    let within = Within {
        channel: channel.map(|id| lookup::channel(&rows, id)),
        team: team.map(|id| lookup::team(&rows, id)),
    };
    let list = saved::page(&rows, user, within, params.page());
    // The next numbered page begins where this one would have ended.
    if list.cut {
        return Err(TooLong.into());
    }
    render_list(&rows, user, &list)
}

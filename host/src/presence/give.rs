//! What happens once a second: clients are told of changes, and the kernel is given what peers need.

use std::time::Duration;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Event;
use causeway_kernel::model::limits::STATUSES_PER_STEP_MAX;
use causeway_views::query::statuses;
use tokio::time::MissedTickBehavior;

use crate::app::{App, SharedApp};

/// Pause between two inputs with statuses.
const INTERVAL: Duration = Duration::from_secs(1);
/// Changes that clients are told of in that time: each is rendered for everybody who shares a channel with the
/// user.
const EVENTS_PER_INTERVAL_MAX: usize = 20;

/// Runs until it is stopped.
pub async fn run(app: SharedApp) {
    app.presence
        .load(statuses::present(&app.rows()), app.engine.now_ms());
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.presence.pass(app.engine.now_ms());
        for (user, availability) in app.presence.take_untold(EVENTS_PER_INTERVAL_MAX) {
            app.publish(&Event::StatusChanged(user, availability));
        }
        give(&app).await;
    }
}

async fn give(app: &App) {
    let mut changes = app.presence.take_changed(STATUSES_PER_STEP_MAX);
    if !changes.is_empty() {
        let rows = app.rows();
        changes.retain(|change| statuses::is_shared(&rows, change.user));
    }
    if changes.is_empty() {
        return;
    }
    match app.engine.submit(Input::Statuses(changes.clone())).await {
        Ok(_) => app.presence.given(&changes),
        Err(error) => {
            tracing::debug!(%error, "statuses are given again later");
            app.presence.not_given(&changes);
        }
    }
}

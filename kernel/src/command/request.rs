//! Results of commands, remembered by the client's own key, so that a retry after a lost answer does not act
//! twice.

use crate::boundary::env::Range;
use crate::boundary::output::{Effect, Refusal};
use crate::model::limits::{
    REQUEST_EXPIRY_STEP_MS, REQUEST_KEY_BYTES_MAX, REQUEST_MEMORY_MS, REQUESTS_PER_STEP_MAX,
};
use crate::model::{Due, DueKind, Post, Request, RequestExpiry};
use crate::rows::id::{PostNo, UserNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};

/// Number of the due row that drops old results; never returned by [`Tx::next_row`].
const DUE_NUMBER: u64 = 0;

/// Refuses a key that is too long to be remembered.
pub(super) fn check(key: &str) -> Result<(), Refusal> {
    if key.len() > REQUEST_KEY_BYTES_MAX {
        return Err(Refusal::invalid_param("pending_post_id"));
    }
    Ok(())
}

/// The post that a user made with a key, if it is still remembered.
pub(super) fn find(tx: &Tx<'_>, user: UserNo, key: &str) -> Option<PostNo> {
    let request = tx.get::<Request>(&(user, key.to_string()))?;
    (request.until_ms > tx.now_ms() && tx.has::<Post>(&request.post)).then_some(request.post)
}

/// Remembers a post that a user made with a key. Times are rounded up, so that one due row serves many.
pub(super) fn remember(tx: &mut Tx<'_>, user: UserNo, key: &str, post: PostNo) {
    let latest = tx.now_ms().saturating_add(REQUEST_MEMORY_MS);
    let until_ms = latest
        .saturating_add(REQUEST_EXPIRY_STEP_MS)
        .saturating_sub(latest.rem_euclid(REQUEST_EXPIRY_STEP_MS));
    let request_key = (user, key.to_string());
    if let Some(old) = tx.get::<Request>(&request_key) {
        tx.delete::<RequestExpiry>(&(old.until_ms, user, key.to_string()));
    }
    tx.put(&request_key, &Request { post, until_ms });
    tx.put(&(until_ms, user, key.to_string()), &RequestExpiry);
    let due = (until_ms, DUE_NUMBER);
    if !tx.has::<Due>(&due) {
        tx.put(
            &due,
            &Due {
                kind: DueKind::Requests,
            },
        );
        tx.effect(Effect::Wake { at_ms: until_ms });
    }
}

/// Drops expired results, at most [`REQUESTS_PER_STEP_MAX`]; reschedules itself if more are left. Called when
/// [`DueKind::Requests`] is due.
pub fn expire(tx: &mut Tx<'_>) {
    let now_ms = tx.now_ms();
    let rows = tx.rows::<RequestExpiry>(&Range {
        from: Vec::new(),
        to: key::encode(&now_ms.saturating_add(1)),
        reverse: false,
        rows_max: REQUESTS_PER_STEP_MAX,
        bytes_max: SCAN_BYTES_MAX,
    });
    let full = rows.len() >= REQUESTS_PER_STEP_MAX as usize;
    for (expiry, _) in rows {
        tx.delete::<RequestExpiry>(&expiry);
        let (_, user, key) = expiry;
        tx.delete::<Request>(&(user, key));
    }
    if full {
        tx.put(
            &(now_ms, DUE_NUMBER),
            &Due {
                kind: DueKind::Requests,
            },
        );
        tx.effect(Effect::Wake { at_ms: now_ms });
    }
}

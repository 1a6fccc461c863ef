//! Times on the command line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time of the command line, in ms since the Unix epoch: RFC 3339, such a number itself, or a
/// span before now.
pub fn parse(text: &str) -> Result<i64, String> {
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(ms_of(time));
    }
    match humantime::parse_duration(text) {
        Ok(span) => Ok(now_ms() - i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        Err(_) => Err(format!(
            "`{text}` is no time: give one as 2026-01-31T17:00:00Z, in ms since 1970, or as a span \
             before now, e.g. 2h"
        )),
    }
}

/// A time for people.
pub fn show(ms: i64) -> String {
    match u64::try_from(ms) {
        Ok(ms) => {
            humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
        }
        Err(_) => ms.to_string(),
    }
}

/// The time now, in ms.
pub fn now_ms() -> i64 {
    ms_of(SystemTime::now())
}

fn ms_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

//! Times on the command line.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil, tz::TimeZone};

/// A time on the command line, in ms since the Unix epoch: RFC 3339 (UTC if it has no offset), such a number
/// itself, or a span before now.
pub fn parse(text: &str) -> Result<i64, String> {
    parse_at(text, now_ms())
}

fn parse_at(text: &str, now_ms: i64) -> Result<i64, String> {
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    if let Some(time) = point(text) {
        return Ok(time.as_millisecond());
    }
    match span(text) {
        Ok(span) => Ok(now_ms - i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        Err(_) => Err(format!(
            "`{text}` is not a time: give one as 2026-01-31T17:00:00Z, in ms since 1970, or as a \
             span before now, e.g. 2h"
        )),
    }
}

fn point(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let time = text.parse::<civil::DateTime>().ok()?;
    Some(time.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

/// A span on the command line, e.g. `36h` or `7d`; a day has 24 hours.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span: give one such as 36h or 7d");
    let span = text.parse::<Span>().map_err(|_| wrong())?;
    let span = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let span: SignedDuration = span.map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

/// A time for people; one outside the calendar is shown as a number.
pub fn show(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| format!("{time:.3}"))
}

/// The time now, in ms.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_help_names() {
        for text in [
            "2026-01-31T17:00:00Z",
            "2026-01-31 17:00:00",
            "1769878800000",
        ] {
            assert_eq!(parse(text), Ok(1_769_878_800_000), "{text}");
        }
        assert_eq!(parse("2026-01-31T18:00:00+01:00"), Ok(1_769_878_800_000));
        assert_eq!(parse_at("1h 30m", 5_400_001), Ok(1));
        assert!(parse("yesterday").is_err());
        assert!(parse("-2h").is_err());
    }

    #[test]
    fn spans_have_days_and_weeks() {
        assert_eq!(span("36h"), Ok(Duration::from_secs(36 * 3600)));
        assert_eq!(span("7d"), span("1w"));
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        // Their length depends on the starting point.
        assert!(span("1 month").is_err());
    }

    #[test]
    fn every_number_is_shown() {
        assert_eq!(show(1_769_878_800_007), "2026-01-31T17:00:00.007Z");
        assert_eq!(show(-1), "1969-12-31T23:59:59.999Z");
        // Beyond the year 9999.
        assert_eq!(show(253_402_300_800_000), "253402300800000");
        assert_eq!(show(i64::MIN), i64::MIN.to_string());
        assert_eq!(show(i64::MAX), i64::MAX.to_string());
    }
}

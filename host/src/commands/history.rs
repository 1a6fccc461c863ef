//! How much of a channel's history its peers get, as people write it.

use causeway_kernel::model::History;
use jiff::Timestamp;

/// What is meant by nothing, `none`, `all`, a date, or a date and time.
///
/// # Errors
/// A sentence that says what to write.
pub fn parse(text: &str) -> Result<History, String> {
    let since = |time: Timestamp| History::Since(time.as_millisecond());
    match text.trim() {
        "" => Ok(History::Configured),
        "none" => Ok(History::Nothing),
        "all" => Ok(History::Everything),
        text => {
            let day = || format!("{text}T00:00:00Z").parse::<Timestamp>();
            let time = text.parse::<Timestamp>().or_else(|_| day());
            time.map(since).map_err(|_| {
                "The history is `none`, `all`, or the day from which on posts are sent, in UTC: `2026-01-31`, or \
                 `2026-01-31T18:00:00Z`."
                    .to_string()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_as_utc() {
        for (text, meant) in [
            ("", History::Configured),
            (" none ", History::Nothing),
            ("all", History::Everything),
            ("1970-01-02", History::Since(86_400_000)),
            ("1970-01-01T00:00:01Z", History::Since(1_000)),
            ("1970-01-01T01:00:00+01:00", History::Since(0)),
        ] {
            assert_eq!(parse(text), Ok(meant), "{text}");
        }
        for text in ["some", "31.1.2026", "2026-02-30", "2026-01-31T18:00", "-1"] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains("2026-01-31"), "{text}");
        }
    }
}

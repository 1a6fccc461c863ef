//! The hours at which things may leave.

use causeway_policy_common::context::Crossing;
use causeway_policy_common::{NonEmpty, Way, concerns};
use serde::Deserialize;

use crate::week::{Clock, DAY, Day, Moment, WEEK};

/// Maximum entries of `open`: each is a sentence of the rules, which have one more.
const OPEN_MAX: usize = 15;

/// The offsets from UTC that the world uses, in minutes.
const OFFSETS: std::ops::RangeInclusive<i32> = -720..=840;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    open: NonEmpty<Hours>,
    /// Minutes ahead of UTC.
    #[serde(default)]
    utc_offset_minutes: i32,
    /// Ids or names; `None` = all.
    connections: Option<NonEmpty<String>>,
    #[serde(default = "yes")]
    reactions: bool,
}

fn yes() -> bool {
    true
}

/// Hours that are the same on some days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    days: NonEmpty<Day>,
    from: Clock,
    to: Clock,
}

impl Settings {
    /// Reads settings.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn read(text: &str) -> Result<Settings, String> {
        let settings: Settings = causeway_policy_common::read(text)?;
        if !OFFSETS.contains(&settings.utc_offset_minutes) {
            return Err("utc_offset_minutes: must be from -720 to 840".into());
        }
        if settings.open.len() > OPEN_MAX {
            return Err(format!(
                "open: the list may have at most {OPEN_MAX} entries"
            ));
        }
        for (number, hours) in settings.open.iter().enumerate() {
            if hours.minutes() == 0 || hours.from == Clock(DAY) {
                return Err(format!(
                    "open[{number}]: it begins when it ends, or a day later"
                ));
            }
        }
        Ok(settings)
    }

    /// Whether reactions and acknowledgements wait as well.
    pub fn hold_reactions(&self) -> bool {
        self.reactions
    }

    /// When things may leave again, in words, if they may not at this crossing.
    pub fn closed_until(&self, crossing: &Crossing) -> Option<String> {
        if !concerns(Some(Way::Outbound), self.connections.as_ref(), crossing) {
            return None;
        }
        let now = Moment::of(crossing.time_ms, self.utc_offset_minutes);
        let is_open = |hours: &Hours| {
            let mut starts = hours.starts();
            starts.any(|start| start.until(now) < hours.minutes())
        };
        if self.open.iter().any(is_open) {
            return None;
        }
        let starts = self.open.iter().flat_map(Hours::starts);
        let next = starts.min_by_key(|start| now.until(*start))?;
        Some(format!("{next} ({})", self.zone()))
    }

    fn zone(&self) -> String {
        let minutes = self.utc_offset_minutes;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("UTC{sign}{}", Clock(minutes.unsigned_abs()))
    }

    /// The rules in words.
    pub fn in_words(&self) -> Vec<String> {
        let what = match self.reactions {
            true => "Posts and reactions",
            false => "Posts",
        };
        let whom = match self.connections {
            None => "connected workspaces",
            Some(_) => "some connected workspaces",
        };
        let begin = format!(
            "{what} are sent to {whom} only at these hours ({}):",
            self.zone()
        );
        let hours = self.open.iter().map(Hours::in_words);
        std::iter::once(begin).chain(hours).collect()
    }
}

impl Hours {
    /// How long they are.
    fn minutes(&self) -> u32 {
        let (from, to) = (self.from.0, self.to.0);
        if to < from {
            to + DAY - from
        } else {
            to - from
        }
    }

    fn starts(&self) -> impl Iterator<Item = Moment> {
        let days = self.days.iter();
        days.map(|day| Moment((day.start() + self.from.0) % WEEK))
    }

    fn in_words(&self) -> String {
        // Repeated days would make the sentence longer than it may be.
        let days = Day::ALL.into_iter();
        let days = days.filter(|day| self.days.iter().any(|it| it == day));
        let days: Vec<&str> = days.map(Day::name).collect();
        format!("{}: {} to {}.", days.join(", "), self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use causeway_policy_common::context::{Connection, Direction};

    use super::*;

    const WORK: &str = r#"{"utc_offset_minutes": -210, "open": [
        {"days": ["mon", "tue", "tue"], "from": "08:00", "to": "18:00"},
        {"days": ["sun"], "from": "22:00", "to": "02:00"}
    ]}"#;

    /// What is said at a minute of the week on the settings' clock; Monday, 5 January 1970 is the first.
    fn said(settings: &str, day: Day, clock: &str) -> Option<String> {
        let settings = Settings::read(settings).unwrap();
        let clock = Clock::try_from(clock.to_owned()).unwrap();
        let minute = 4 * DAY + day.start() + clock.0;
        let minute = i64::from(minute) - i64::from(settings.utc_offset_minutes);
        settings.closed_until(&Crossing {
            direction: Direction::Outbound,
            connection: Connection {
                id: "cc".into(),
                name: "globex".into(),
            },
            time_ms: minute * 60_000,
        })
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        let monday = Some("Monday, 08:00 (UTC-03:30)".to_owned());
        assert_eq!(said(WORK, Day::Mon, "07:59"), monday);
        assert_eq!(said(WORK, Day::Mon, "08:00"), None);
        assert_eq!(said(WORK, Day::Mon, "17:59"), None);
        let tuesday = Some("Tuesday, 08:00 (UTC-03:30)".to_owned());
        assert_eq!(said(WORK, Day::Mon, "18:00"), tuesday);
    }

    #[test]
    fn hours_may_last_into_the_next_day_and_week() {
        let sunday = Some("Sunday, 22:00 (UTC-03:30)".to_owned());
        assert_eq!(said(WORK, Day::Tue, "18:00"), sunday);
        assert_eq!(said(WORK, Day::Sun, "21:59"), sunday);
        assert_eq!(said(WORK, Day::Sun, "22:00"), None);
        assert_eq!(said(WORK, Day::Sun, "23:59"), None);
        assert_eq!(said(WORK, Day::Mon, "01:59"), None);
        let monday = Some("Monday, 08:00 (UTC-03:30)".to_owned());
        assert_eq!(said(WORK, Day::Mon, "02:00"), monday);
    }

    #[test]
    fn a_whole_day_is_open() {
        let day = r#"{"open": [{"days": ["wed"], "from": "00:00", "to": "24:00"}]}"#;
        let wednesday = Some("Wednesday, 00:00 (UTC+00:00)".to_owned());
        assert_eq!(said(day, Day::Tue, "23:59"), wednesday);
        assert_eq!(said(day, Day::Wed, "00:00"), None);
        assert_eq!(said(day, Day::Wed, "23:59"), None);
        assert_eq!(said(day, Day::Thu, "00:00"), wednesday);
    }

    #[test]
    fn rules_in_words_list_the_hours() {
        let words = Settings::read(WORK).unwrap().in_words();
        assert_eq!(
            words,
            [
                "Posts and reactions are sent to connected workspaces only at these hours (UTC-03:30):",
                "Monday, Tuesday: 08:00 to 18:00.",
                "Sunday: 22:00 to 02:00.",
            ]
        );
    }
}

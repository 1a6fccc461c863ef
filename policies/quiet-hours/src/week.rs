//! Times of a week, in minutes since Monday, 00:00.

use std::fmt;

use serde::Deserialize;

/// Minutes of a day.
pub const DAY: u32 = 24 * 60;

/// Minutes of a week.
pub const WEEK: u32 = 7 * DAY;

const MINUTE_MS: i64 = 60_000;

/// 1970 began on a Thursday.
const EPOCH: i64 = 3 * DAY as i64;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// All of them, Monday first.
    pub const ALL: [Day; 7] = [
        Day::Mon,
        Day::Tue,
        Day::Wed,
        Day::Thu,
        Day::Fri,
        Day::Sat,
        Day::Sun,
    ];

    /// Its first minute.
    pub fn start(self) -> u32 {
        self as u32 * DAY
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Day::Mon => "Monday",
            Day::Tue => "Tuesday",
            Day::Wed => "Wednesday",
            Day::Thu => "Thursday",
            Day::Fri => "Friday",
            Day::Sat => "Saturday",
            Day::Sun => "Sunday",
        }
    }
}

/// A time of a day, in minutes since its beginning: 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Clock(pub u32);

impl TryFrom<String> for Clock {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Clock, &'static str> {
        clock(&text).ok_or("a time must be given as HH:MM, from 00:00 to 24:00")
    }
}

fn clock(text: &str) -> Option<Clock> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| -> Option<u32> {
        let is_number = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let sum = hours * 60 + minutes;
    (minutes < 60 && sum <= DAY).then_some(Clock(sum))
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A minute of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u32);

impl Moment {
    /// The moment of a time in milliseconds since the Unix epoch, on a clock that is so many minutes ahead of
    /// UTC.
    pub fn of(time_ms: i64, offset_minutes: i32) -> Moment {
        let minutes = time_ms.div_euclid(MINUTE_MS);
        let minutes = minutes.saturating_add(i64::from(offset_minutes) + EPOCH);
        let of_week = minutes.rem_euclid(i64::from(WEEK));
        Moment(u32::try_from(of_week).unwrap_or(0))
    }

    /// Minutes from this moment to the next time that another one comes.
    pub fn until(self, other: Moment) -> u32 {
        (other.0 + WEEK - self.0) % WEEK
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = Day::ALL.into_iter().rfind(|day| day.start() <= self.0);
        let name = day.map_or("", Day::name);
        write!(f, "{name}, {}", Clock(self.0 % DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_day_and_a_clock_whatever_its_sign() {
        let said = |time_ms, offset| Moment::of(time_ms, offset).to_string();
        assert_eq!(said(0, 0), "Thursday, 00:00");
        assert_eq!(said(-1, 0), "Wednesday, 23:59");
        assert_eq!(said(59_999, 0), "Thursday, 00:00");
        assert_eq!(said(60_000, 0), "Thursday, 00:01");
        assert_eq!(said(0, -1), "Wednesday, 23:59");
        // 29 February 2024, 12:34:56 UTC.
        assert_eq!(said(1_709_210_096_000, 0), "Thursday, 12:34");
        assert_eq!(said(1_709_210_096_000, 14 * 60), "Friday, 02:34");
        // Sunday goes over into Monday.
        let sunday_ms = 4 * 86_400_000 - 1;
        assert_eq!(said(sunday_ms, 0), "Sunday, 23:59");
        assert_eq!(said(sunday_ms, 1), "Monday, 00:00");
        assert!(said(i64::MAX, 840).contains(", ") && said(i64::MIN, -720).contains(", "));
    }

    #[test]
    fn a_clock_shows_hours_and_minutes() {
        let read = |text: &str| Clock::try_from(text.to_owned()).ok();
        assert_eq!(read("00:00"), Some(Clock(0)));
        assert_eq!(read("08:05"), Some(Clock(485)));
        assert_eq!(read("24:00"), Some(Clock(DAY)));
        for wrong in [
            "24:01", "8:00", "08:60", "0800", "", "+1:00", "08:00:00", "-1:30",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

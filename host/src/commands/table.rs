//! Tables and times in the texts of commands.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A table in the Markdown that clients display.
pub struct Table {
    text: String,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Table {
        let mut table = Table {
            text: String::new(),
        };
        table.line(headings.iter().copied());
        table.line(headings.iter().map(|_| ":----"));
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[&str]) {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        self.line(cells.iter().map(String::as_str));
    }

    fn line<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        self.text.push('|');
        for cell in cells {
            self.text.push(' ');
            self.text.push_str(cell);
            self.text.push_str(" |");
        }
        self.text.push('\n');
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A cell that cannot end its row or its column.
pub fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// `True` or `False`.
#[must_use]
pub fn yes_no(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// A time as the reference's tables show it, in UTC: `--` for never, `Today 15:04:05 UTC 2006`, otherwise
/// `Jan 2 15:04:05 UTC 2006`. A time outside the calendar is shown as a number.
#[must_use]
pub fn time(at_ms: i64, now_ms: i64) -> String {
    if at_ms <= 0 {
        return "--".to_string();
    }
    let in_utc = |ms| Timestamp::from_millisecond(ms).map(|it| TimeZone::UTC.to_datetime(it));
    let Ok(time) = in_utc(at_ms) else {
        return at_ms.to_string();
    };
    let is_today = in_utc(now_ms).is_ok_and(|now| now.date() == time.date());
    let format = if is_today {
        "Today %H:%M:%S UTC %Y"
    } else {
        "%b %-d %H:%M:%S UTC %Y"
    };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let now = 1_800_000_000_000;
        assert_eq!(time(0, now), "--");
        assert_eq!(time(now, now), "Today 08:00:00 UTC 2027");
        assert_eq!(time(951_782_400_000, now), "Feb 29 00:00:00 UTC 2000");
        assert_eq!(time(951_868_799_000, now), "Feb 29 23:59:59 UTC 2000");
        assert_eq!(time(1_735_689_599_000, now), "Dec 31 23:59:59 UTC 2024");
        assert_eq!(time(i64::MAX, now), i64::MAX.to_string());
    }

    #[test]
    fn cells_cannot_break_the_table() {
        let mut table = Table::new(&["A", "B"]);
        table.row(&["x|y\nz", ""]);
        assert_eq!(
            table.into_text(),
            "| A | B |\n| :---- | :---- |\n| x\\|y z |  |\n"
        );
    }
}

//! Tables and times in the texts of commands.

/// A table in the markdown that clients show.
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

/// A cell that neither ends its row nor its column.
fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// `True` or `False`.
#[must_use]
pub fn yes_no(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A time as the reference's tables show it, in UTC: `--` for never, `Today 15:04:05 UTC 2006`,
/// else `Jan 2 15:04:05 UTC 2006`.
#[must_use]
pub fn time(at_ms: i64, now_ms: i64) -> String {
    if at_ms <= 0 {
        return "--".to_string();
    }
    let (day, in_day) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS) / 1000);
    let (year, month, date) = civil(day);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        in_day / 3600,
        in_day / 60 % 60,
        in_day % 60
    );
    if day == now_ms.div_euclid(DAY_MS) {
        return format!("Today {clock} UTC {year}");
    }
    let month = usize::try_from(month - 1)
        .ok()
        .and_then(|at| MONTHS.get(at))
        .unwrap_or(&"");
    format!("{month} {date} {clock} UTC {year}")
}

/// Year, month and day of a day counted from 1 January 1970, in the Gregorian calendar. The year
/// is taken to begin in March, so that the leap day is its last.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, in_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * in_year + 2) / 153;
    let date = in_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, date)
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

//! Tables as text and as JSON.

use serde_json::{Map, Value, json};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number; right-aligned.
    Number(u64),
    /// A time, in ms; 0 = never.
    Time(i64),
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Cell {
        Cell::Number(number as u64)
    }
}

/// A table with a name and named columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTable {
    /// Its name.
    pub name: &'static str,
    /// Names of its columns.
    pub columns: &'static [&'static str],
    /// Its rows; each has a cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

impl TextTable {
    /// Its rows as objects.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let fields = self.columns.iter().zip(row).map(|(column, cell)| {
                let value = match cell {
                    Cell::Text(text) => json!(text),
                    Cell::Number(number) => json!(number),
                    Cell::Time(ms) => json!(ms),
                };
                (column.replace(' ', "_"), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// Its lines in aligned columns, with a header line; `time` formats a time.
    #[must_use]
    pub fn to_lines(&self, time: impl Fn(i64) -> String) -> Vec<String> {
        let shown = |cell: &Cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Time(0) => "never".into(),
            Cell::Time(ms) => time(*ms),
        };
        let heads = self.columns.iter().map(|it| (*it).to_string()).collect();
        let mut lines: Vec<Vec<String>> = vec![heads];
        lines.extend(self.rows.iter().map(|row| row.iter().map(shown).collect()));
        let mut widths = vec![0; self.columns.len()];
        for line in &lines {
            for (width, text) in widths.iter_mut().zip(line) {
                *width = (*width).max(text.chars().count());
            }
        }
        let is_number = |at: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.all(|cell| matches!(cell, Cell::Number(_)))
        };
        let aligned = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).enumerate();
            let cells = cells.map(|(at, (text, width))| {
                if is_number(at) {
                    format!("{text:>width$}")
                } else {
                    format!("{text:<width$}")
                }
            });
            let line: Vec<String> = cells.collect();
            line.join("  ").trim_end().to_string()
        };
        lines.iter().map(aligned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        let table = TextTable {
            name: "things",
            columns: &["name", "how many", "since"],
            rows: vec![
                vec!["Löwe".into(), 5_u64.into(), Cell::Time(7)],
                vec!["ox".into(), 12_u64.into(), Cell::Time(0)],
            ],
        };
        let lines = table.to_lines(|ms| format!("{ms} ms"));
        assert_eq!(
            lines,
            [
                "name  how many  since",
                "Löwe         5  7 ms",
                "ox          12  never",
            ]
        );
        let json =
            r#"[{"how_many":5,"name":"Löwe","since":7},{"how_many":12,"name":"ox","since":0}]"#;
        assert_eq!(
            table.to_json(),
            serde_json::from_str::<Value>(json).unwrap()
        );
    }
}

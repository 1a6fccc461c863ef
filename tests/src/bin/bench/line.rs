//! A line of the table.

use std::fmt;

/// A measurement: name, value, goal.
pub struct Line {
    name: String,
    value: String,
    goal: &'static str,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<58} {:>22}   {}", self.name, self.value, self.goal)
    }
}

/// Creates a line.
pub fn line(name: impl Into<String>, value: String, goal: &'static str) -> Line {
    Line {
        name: name.into(),
        value,
        goal,
    }
}

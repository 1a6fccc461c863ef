//! What happened, in sentences.

use std::fmt;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;

/// The story of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story(Vec<(i64, String)>);

impl Story {
    /// Adds a sentence.
    pub fn tell(&mut self, at_ms: i64, sentence: &str) {
        // Long texts consist of one repeated letter.
        let short = sentence.replace("xx", "");
        self.0.push((at_ms, short));
    }

    /// Number of sentences so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at_ms, sentence) in &self.0 {
            let (minutes, seconds) = (at_ms / 60_000, at_ms % 60_000 / 1_000);
            writeln!(
                f,
                "  {minutes:>3}:{seconds:02}.{:03}  {sentence}",
                at_ms % 1_000
            )?;
        }
        Ok(())
    }
}

/// An input in one line: a frame as its text.
#[must_use]
pub fn input(input: &Input) -> String {
    match input {
        Input::Frame { body, .. } => format!("the frame {}", String::from_utf8_lossy(body)),
        other => format!("{other:?}"),
    }
}

/// Writes in one line: tables, keys, and the readable parts of values.
#[must_use]
pub fn writes(writes: &[Write]) -> String {
    let one = |write: &Write| {
        let value = write.value.as_ref().map(|value| {
            let text = String::from_utf8_lossy(value);
            text.chars().filter(|letter| !letter.is_control()).collect()
        });
        let value = value.unwrap_or_else(|| "deleted".to_string());
        format!("{} {:?} = {value}", write.table.name(), write.key)
    };
    writes.iter().map(one).collect::<Vec<_>>().join("; ")
}

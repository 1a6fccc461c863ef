//! What the service counts, and its text for Prometheus. No label holds anything that a client or
//! peer chose freely: reasons are fixed words, connections are named by their local name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Different reasons that are counted apart; further ones are counted together as `other`.
const REASONS_MAX: usize = 200;

/// Counters of one service.
#[derive(Default)]
pub struct Metrics {
    answers: [AtomicU64; 6],
    events: AtomicU64,
    refused_commands: Reasons,
    refused_items: Reasons,
}

impl Metrics {
    /// An HTTP request was answered with this status.
    pub fn count_request(&self, status: u16) {
        if let Some(class) = self.answers.get(usize::from(status / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An event went to the WebSocket lines.
    pub fn count_event(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// A command was refused with this error id.
    pub fn count_refused_command(&self, id: &str) {
        self.refused_commands.add(id, 1);
    }

    /// Items of a peer's frame were refused for this reason.
    pub fn count_refused_items(&self, reason: &str, items: u64) {
        self.refused_items.add(reason, items);
    }

    /// Appends the counters' text.
    pub fn render(&self, page: &mut Page) {
        page.family(
            "causeway_http_responses_total",
            "counter",
            "HTTP answers by class of status.",
        );
        for (class, count) in self.answers.iter().enumerate().skip(1) {
            let class = format!("{class}xx");
            page.sample(&[("class", &class)], count.load(Ordering::Relaxed));
        }
        page.family(
            "causeway_events_total",
            "counter",
            "Events given to WebSocket lines.",
        );
        page.sample(&[], self.events.load(Ordering::Relaxed));
        page.family(
            "causeway_commands_refused_total",
            "counter",
            "Refused commands by error id.",
        );
        self.refused_commands.render(page, "id");
        page.family(
            "causeway_items_refused_total",
            "counter",
            "Items of peers' frames that were refused, ignored or held, by reason.",
        );
        self.refused_items.render(page, "reason");
    }
}

/// Counters by a word that the service itself chooses.
#[derive(Default)]
pub(crate) struct Reasons(Mutex<BTreeMap<String, u64>>);

impl Reasons {
    pub(crate) fn add(&self, reason: &str, count: u64) {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = reasons.get_mut(reason) {
            *slot += count;
            return;
        }
        let name = if reasons.len() < REASONS_MAX {
            reason
        } else {
            "other"
        };
        *reasons.entry(name.to_string()).or_default() += count;
    }

    pub(crate) fn render(&self, page: &mut Page, label: &str) {
        let reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, count) in reasons.iter() {
            page.sample(&[(label, reason)], *count);
        }
    }
}

/// A page in the text format of Prometheus (version 0.0.4).
#[derive(Default)]
pub struct Page {
    text: String,
    family: String,
}

impl Page {
    /// Begins a family of samples.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.family = name.to_string();
    }

    /// Adds a sample to the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.text.push_str(&self.family);
        for (at, (name, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.text, "{before}{name}=\"{value}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    /// A family of one sample.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// The page's text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_below_their_family_with_escaped_labels() {
        let mut page = Page::default();
        page.family("a_total", "counter", "Things.");
        page.sample(&[("name", "x\"y\\"), ("kind", "z")], 7);
        page.single("b", "gauge", "One.", 1);
        assert_eq!(
            page.into_text(),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total{name=\"x\\\"y\\\\\",kind=\"z\"} 7\n\
             # HELP b One.\n# TYPE b gauge\nb 1\n"
        );
    }

    #[test]
    fn reasons_beyond_the_limit_are_counted_together() {
        let metrics = Metrics::default();
        for n in 0..REASONS_MAX + 5 {
            metrics.count_refused_items(&format!("r{n}"), 2);
        }
        let mut page = Page::default();
        metrics.render(&mut page);
        assert!(
            page.into_text()
                .contains("causeway_items_refused_total{reason=\"other\"} 10\n")
        );
    }
}

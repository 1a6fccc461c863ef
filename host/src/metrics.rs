//! Counters of the service. No label holds a value that a client or peer can choose: reasons are fixed words,
//! connections are named by their local name.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_engine::policy::Distribution;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelValue, EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

/// Distinct reasons that are counted separately; further ones are counted together as `other`.
const REASONS_MAX: usize = 200;

/// A label and its value.
pub type Label<V> = [(&'static str, V); 1];

/// Counters of one service.
#[derive(Debug)]
pub struct Metrics {
    /// By the first digit of the status, from 1 on.
    answers: [(Label<&'static str>, Counter); 5],
    events: Counter,
    refused_commands: Reasons,
    refused_items: Reasons,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        Metrics {
            answers: classes.map(|class| ([("class", class)], Counter::default())),
            events: Counter::default(),
            refused_commands: Reasons::new("id"),
            refused_items: Reasons::new("reason"),
        }
    }
}

impl Metrics {
    /// An HTTP request was answered with this status.
    pub fn count_request(&self, status: u16) {
        let class = usize::from(status / 100).checked_sub(1);
        if let Some((_, count)) = class.and_then(|class| self.answers.get(class)) {
            count.inc();
        }
    }

    /// An event went to the WebSocket lines.
    pub fn count_event(&self) {
        self.events.inc();
    }

    /// A command was refused with this error id.
    pub fn count_refused_command(&self, id: &str) {
        self.refused_commands.add(id, 1);
    }

    /// Items of a peer's frame were refused for this reason.
    pub fn count_refused_items(&self, reason: &str, items: u64) {
        self.refused_items.add(reason, items);
    }

    /// Appends the counters.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode(&self, page: &mut Page<'_>) -> fmt::Result {
        let samples = self.answers.iter().map(|(label, count)| (label, count));
        page.labelled(
            "causeway_http_responses",
            "HTTP responses by status class.",
            samples,
        )?;
        page.metric(
            "causeway_events",
            "Events passed to WebSocket lines.",
            &self.events,
        )?;
        page.metric(
            "causeway_commands_refused",
            "Refused commands by error id.",
            &self.refused_commands.counts,
        )?;
        page.metric(
            "causeway_items_refused",
            "Items of peers' frames that were refused, ignored or held, by reason.",
            &self.refused_items.counts,
        )
    }
}

/// Counters labelled with words that the service chooses.
#[derive(Debug)]
pub(crate) struct Reasons {
    label: &'static str,
    pub(crate) counts: Family<Label<String>, Counter>,
    /// Words that have a counter, or are about to.
    words: AtomicUsize,
}

impl Reasons {
    /// An empty set of counters with this label name.
    pub(crate) fn new(label: &'static str) -> Reasons {
        Reasons {
            label,
            counts: Family::default(),
            words: AtomicUsize::new(0),
        }
    }

    pub(crate) fn add(&self, reason: &str, count: u64) {
        let known = [(self.label, reason.to_string())];
        if let Some(counter) = self.counts.get(&known) {
            counter.inc_by(count);
            return;
        }
        // Two threads with the same new word take two slots; the limit is never exceeded.
        let is_new = self.words.fetch_add(1, Ordering::Relaxed) < REASONS_MAX;
        let word = if is_new {
            known
        } else {
            self.words.store(REASONS_MAX, Ordering::Relaxed);
            [(self.label, "other".to_string())]
        };
        self.counts.get_or_create(&word).inc_by(count);
    }
}

/// A histogram of what was counted elsewhere.
#[derive(Clone, Debug)]
pub struct Histogram {
    sum: f64,
    count: u64,
    buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// A distribution in a larger unit, which is so many of its own.
    #[must_use]
    pub fn of(distribution: &Distribution, unit: f64) -> Histogram {
        let bound = |bound: Option<u64>| bound.map_or(f64::INFINITY, |it| it as f64 / unit);
        let buckets = distribution.buckets();
        Histogram {
            sum: distribution.sum() as f64 / unit,
            count: distribution.count(),
            buckets: buckets.map(|(end, count)| (bound(end), count)).collect(),
        }
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.count, &self.buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// A page of metrics being written. Families without samples are included, so that their names are known
/// before anything is counted.
#[derive(Debug)]
pub struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    /// Appends a metric. The names of counters end in `_total`, which is not passed here.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn metric(&mut self, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
        let kind = metric.metric_type();
        metric.encode(self.0.encode_descriptor(name, help, None, kind)?)
    }

    /// Appends metrics of one name, each with its label.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn labelled<'m, V, M>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (&'m Label<V>, &'m M)>,
    ) -> fmt::Result
    where
        V: EncodeLabelValue + 'm,
        M: EncodeMetric + TypedMetric + 'm,
    {
        let mut family = self.0.encode_descriptor(name, help, None, M::TYPE)?;
        for (label, metric) in samples {
            metric.encode(family.encode_family(label)?)?;
        }
        Ok(())
    }
}

/// Writes a page in the text format of Prometheus (version 0.0.4).
///
/// # Errors
/// Those of `write`.
pub fn page(
    write: impl Fn(&mut Page<'_>) -> fmt::Result + Send + Sync + 'static,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Written(write)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

/// Writes the page when it is collected.
struct Written<F>(F);

impl<F> fmt::Debug for Written<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

impl<F: Fn(&mut Page<'_>) -> fmt::Result + Send + Sync + 'static> Collector for Written<F> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Page(encoder))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::metrics::gauge::ConstGauge;

    use super::*;

    #[test]
    fn samples_stand_below_their_family_with_escaped_labels() {
        let text = page(|page| {
            let count: Counter = Counter::default();
            count.inc_by(7);
            page.labelled("a", "Things.", [(&[("name", "x\"y\\")], &count)])?;
            page.labelled::<&str, Counter>("none", "No things.", [])?;
            page.metric("b", "One.", &ConstGauge::new(1_u64))
        });
        assert_eq!(
            text.unwrap(),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total{name=\"x\\\"y\\\\\"} 7\n\
             # HELP none_total No things.\n# TYPE none_total counter\n\
             # HELP b One.\n# TYPE b gauge\nb 1\n"
        );
    }

    #[test]
    fn the_buckets_of_a_histogram_add_up_to_its_count() {
        let page = page(|page| {
            let none = Histogram::of(&Distribution::default(), 1e9);
            page.labelled("h", "Things.", [(&[("name", "x")], &none)])
        });
        let page = page.unwrap();
        assert!(page.contains("# TYPE h histogram\n"), "{page}");
        let first = "h_bucket{name=\"x\",le=\"1.024e-06\"} 0\n";
        let last = "h_bucket{name=\"x\",le=\"+Inf\"} 0\n";
        assert!(page.contains(first) && page.contains(last), "{page}");
        assert!(page.contains("h_count{name=\"x\"} 0\n"), "{page}");
    }

    #[test]
    fn reasons_beyond_the_limit_are_counted_together() {
        let metrics = Arc::new(Metrics::default());
        for n in 0..REASONS_MAX + 5 {
            metrics.count_refused_items(&format!("r{n}"), 2);
        }
        let text = page(move |page| metrics.encode(page)).unwrap();
        assert!(text.contains("causeway_items_refused_total{reason=\"other\"} 10\n"));
        assert!(text.contains("causeway_items_refused_total{reason=\"r199\"} 2\n"));
        assert!(!text.contains("r200"));
    }
}

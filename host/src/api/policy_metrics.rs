//! The policies' part of the metrics.

use std::fmt;

use causeway_engine::policy::{Distribution, PolicyCounts, ShadowCounts};
use prometheus_client::metrics::counter::ConstCounter;

use crate::app::App;
use crate::metrics::{Histogram, Page};

/// One of several counts.
type Count<C> = fn(&C) -> u64;

/// One of the distributions of a policy.
type Spread = fn(&PolicyCounts) -> &Distribution;

/// Nanoseconds in a second.
const SECOND_NS: f64 = 1e9;

/// What each policy has done since the service started.
pub fn policies(app: &App, page: &mut Page<'_>) -> fmt::Result {
    let states = app.engine.policies();
    let families: [(&str, &str, Count<PolicyCounts>); 9] = [
        (
            "causeway_policy_questions",
            "Questions that came to a policy.",
            |it| it.questions,
        ),
        (
            "causeway_policy_allowed",
            "Questions to which a policy said yes.",
            |it| it.allowed,
        ),
        (
            "causeway_policy_denied",
            "Questions to which a policy said no.",
            |it| it.denied,
        ),
        (
            "causeway_policy_revised",
            "Questions that a policy answered with a revision.",
            |it| it.revised,
        ),
        (
            "causeway_policy_failures",
            "Questions at which a policy failed: it trapped, used up its fuel or memory, or gave an invalid answer.",
            |it| it.failures,
        ),
        (
            "causeway_policy_unasked",
            "Questions that were not put to a policy, as it is suspended or does not run in this release.",
            |it| it.unasked,
        ),
        (
            "causeway_policy_suspensions",
            "How often a policy was suspended for its failures.",
            |it| it.suspensions,
        ),
        (
            "causeway_policy_strikes",
            "Failures of a policy that count towards a suspension.",
            |it| it.strikes,
        ),
        ("causeway_policy_fuel", "Fuel that a policy used.", |it| {
            it.fuel
        }),
    ];
    for (name, help, value) in families {
        let samples = states.iter().map(|it| (it.info.name.as_str(), &it.counts));
        counters(page, (name, help), value, samples)?;
    }
    let spreads: [(&str, &str, f64, Spread); 2] = [
        (
            "causeway_policy_question_fuel",
            "Fuel of each question that was put to a policy.",
            1.0,
            |it| &it.fuel_each,
        ),
        (
            "causeway_policy_question_seconds",
            "Time of each question that was put to a policy.",
            SECOND_NS,
            |it| &it.time_each_ns,
        ),
    ];
    for (name, help, unit, spread) in spreads {
        let samples: Vec<_> = states
            .iter()
            .map(|state| {
                let label = [("policy", state.info.name.as_str())];
                (label, Histogram::of(spread(&state.counts), unit))
            })
            .collect();
        page.labelled(name, help, samples.iter().map(|(label, it)| (label, it)))?;
    }
    Ok(())
}

/// What each shadow would have changed since the service started.
pub fn shadows(app: &App, page: &mut Page<'_>) -> fmt::Result {
    let states = app.engine.shadows();
    let families: [(&str, &str, Count<ShadowCounts>); 7] = [
        (
            "causeway_policy_shadow_questions",
            "Questions at gates that a shadow would decide.",
            |it| it.questions,
        ),
        (
            "causeway_policy_shadow_agreed",
            "Questions that would have been decided as they were.",
            |it| it.agreed,
        ),
        (
            "causeway_policy_shadow_would_deny",
            "Questions that would have been denied, and were not.",
            |it| it.would_deny,
        ),
        (
            "causeway_policy_shadow_would_pass",
            "Questions that would have passed as they are, and did not.",
            |it| it.would_pass,
        ),
        (
            "causeway_policy_shadow_would_revise",
            "Questions that would have passed with another revision, or with one.",
            |it| it.would_revise,
        ),
        (
            "causeway_policy_shadow_failed",
            "Questions at which a shadow failed, or another policy only with it.",
            |it| it.failed,
        ),
        (
            "causeway_policy_shadow_skipped",
            "Questions that were not compared, as the shadows had too much to do.",
            |it| it.skipped,
        ),
    ];
    for (name, help, value) in families {
        let samples = states
            .iter()
            .map(|it| (it.policy.info.name.as_str(), &it.counts));
        counters(page, (name, help), value, samples)?;
    }
    Ok(())
}

/// Appends counters of one name, each labelled with its policy.
fn counters<'s, C: 's>(
    page: &mut Page<'_>,
    (name, help): (&str, &str),
    value: Count<C>,
    samples: impl Iterator<Item = (&'s str, &'s C)>,
) -> fmt::Result {
    let samples: Vec<_> = samples
        .map(|(policy, counts)| ([("policy", policy)], ConstCounter::new(value(counts))))
        .collect();
    page.labelled(name, help, samples.iter().map(|(label, it)| (label, it)))
}

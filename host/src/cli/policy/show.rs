//! Shows policies and shadows as lines.

use std::time::Duration;

use serde_json::Value;

use crate::cli::remote::text;
use crate::cli::terminal;

/// Lists policies with their rules.
pub fn policies(list: &[Value]) {
    for policy in list {
        terminal::line(line(policy));
        for rule in items(policy, "/rules").iter().filter_map(Value::as_str) {
            terminal::line(format_args!("    {rule}"));
        }
    }
    if list.is_empty() {
        println!("no policies; everything passes");
    }
}

/// Lists shadows with their last disagreements; says that there are none if they were asked for.
pub fn shadows(list: &[Value], are_asked_for: bool) {
    for shadow in list {
        terminal::line(format_args!("shadow {}", line(shadow)));
        terminal::line(format_args!("    {}", compared(shadow)));
        for it in items(shadow, "/compared/last") {
            let at = jiff::Timestamp::from_millisecond(number(it, "/at") as i64);
            let at = at.map_or_else(|_| String::new(), |at| format!("{at:.0} "));
            terminal::line(format_args!(
                "    {at}{} {}: would {} instead of {}",
                text(it, "gate"),
                text(it, "object_id"),
                text(it, "would"),
                text(it, "decided"),
            ));
        }
    }
    if list.is_empty() && are_asked_for {
        println!("no shadows");
    }
}

fn compared(shadow: &Value) -> String {
    let count = |key: &str| number(shadow, &format!("/compared/{key}"));
    format!(
        "compared: {}, agreed: {}, would deny: {}, would pass: {}, would revise: {}, failed: {}, skipped: {}",
        count("questions"),
        count("agreed"),
        count("would_deny"),
        count("would_pass"),
        count("would_revise"),
        count("failed"),
        count("skipped"),
    )
}

fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let items = value.pointer(pointer).and_then(Value::as_array);
    items.map_or(&[], Vec::as_slice)
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// A policy in one line.
pub fn line(policy: &Value) -> String {
    let digest = text(policy, "digest");
    let short = digest.get(..16).unwrap_or(digest);
    let (name, on_failure) = (text(policy, "name"), text(policy, "on_failure"));
    let count = |key: &str| number(policy, &format!("/counts/{key}"));
    format!(
        "{name}{}  component {short}{}  on failure: {on_failure}  {}  questions: {}, denied: {}, revised: {}, \
         failed: {}{}",
        standing(policy),
        signed(policy),
        what(policy),
        count("questions"),
        count("denied"),
        count("revised"),
        count("failures"),
        cost(policy),
    )
}

fn what(policy: &Value) -> String {
    let Some(described) = policy.get("describes").filter(|it| !it.is_null()) else {
        return format!("does not run: {}", text(policy, "error"));
    };
    let gates = items(described, "/gates").iter().filter_map(Value::as_str);
    let gates: Vec<&str> = gates.collect();
    let (is, version) = (text(described, "name"), text(described, "version"));
    format!("{is} {version}, answers: {}", gates.join(", "))
}

fn standing(policy: &Value) -> &'static str {
    let until = policy.get("suspended_until");
    if policy.get("is_enabled") == Some(&Value::Bool(false)) {
        "  disabled"
    } else if until.is_some_and(|it| !it.is_null()) {
        "  SUSPENDED after repeated failures"
    } else {
        ""
    }
}

fn signed(policy: &Value) -> String {
    let key = text(policy, "signed_by");
    if key.is_empty() {
        return String::new();
    }
    let is_trusted = policy.get("is_signer_trusted") == Some(&Value::Bool(true));
    let note = if is_trusted { "" } else { " (not trusted)" };
    format!(" signed by {key}{note}")
}

/// What a question costs, if there was one.
fn cost(policy: &Value) -> String {
    if number(policy, "/question_ns/count") == 0 {
        return String::new();
    }
    let fuel = |key: &str| number(policy, &format!("/question_fuel/{key}"));
    let time = |key: &str| {
        let ns = number(policy, &format!("/question_ns/{key}"));
        Duration::from_micros(ns.div_ceil(1_000))
    };
    format!(
        "  fuel of a question: {} (p99: {}), time: {:?} (p99: {:?})",
        fuel("p50"),
        fuel("p99"),
        time("p50"),
        time("p99"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_says_who_signed_and_what_a_question_costs() {
        let mut policy = json!({
            "name": "filter",
            "digest": "0123456789abcdef0123",
            "on_failure": "hold",
            "is_enabled": true,
            "describes": {"name": "content-filter", "version": "0.1.0", "gates": ["post-gate"]},
            "counts": {"questions": 3, "denied": 1, "revised": 0, "failures": 0},
            "question_ns": {"count": 0, "p50": null, "p99": null},
        });
        assert_eq!(
            line(&policy),
            "filter  component 0123456789abcdef  on failure: hold  content-filter 0.1.0, answers: post-gate  \
             questions: 3, denied: 1, revised: 0, failed: 0"
        );
        policy["signed_by"] = "KEY".into();
        policy["is_signer_trusted"] = false.into();
        policy["question_fuel"] = json!({"count": 3, "p50": 1500, "p99": 90000});
        policy["question_ns"] = json!({"count": 3, "p50": 41_500, "p99": 2_000_000});
        let said = line(&policy);
        assert!(said.contains("cdef signed by KEY (not trusted)"), "{said}");
        assert!(
            said.ends_with("fuel of a question: 1500 (p99: 90000), time: 42µs (p99: 2ms)"),
            "{said}"
        );
    }
}

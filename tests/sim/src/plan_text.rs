//! Plans as text, with a line for each setting, each fault that is not zero, and each item by time.
//!
//! ```text
//! # an explanation
//! seed 7
//! nodes 2
//! fault loss 120
//! at 100 #0 node 0 CreateChannel
//! at 7000 #31 trouble {"Backup":1}
//! ```
//!
//! The number after `#` determines the details of an item: if a line is removed, all others
//! keep their meaning.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::acts::Act;
use crate::faults::Faults;
use crate::node::NAMES;
use crate::plan::{Item, Plan, Planned, Trouble};

/// The field of a plan whose own fields have a line each.
const FAULTS: &str = "faults";

impl Plan {
    /// The plan as text; [`Plan::parse`] reads it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{words}");
        };
        for (name, value) in fields(self).into_iter().filter(|(name, _)| name != FAULTS) {
            line(format!("{name} {value}"));
        }
        for (name, value) in self.faults.rates() {
            if value != 0 {
                line(format!("fault {name} {value}"));
            }
        }
        for item in &self.items {
            let what = match item.planned {
                Planned::Act(node, act) => format!("node {node} {}", act.name()),
                Planned::Trouble(trouble) => {
                    let json = serde_json::to_string(&trouble);
                    format!("trouble {}", json.expect("a trouble is plain data"))
                }
            };
            line(format!("at {} #{} {what}", item.at_ms, item.number));
        }
        text
    }

    /// Parses a plan.
    ///
    /// # Errors
    /// The line that cannot be parsed, or what is missing.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let mut settings = Map::new();
        let mut faults = Map::new();
        let mut items = Vec::new();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("`{line}` says nothing");
            let (word, rest) = line.split_once(' ').ok_or_else(wrong)?;
            match word {
                "at" => items.push(item(rest).ok_or_else(wrong)?),
                "fault" => {
                    let (name, value) = rest.split_once(' ').ok_or_else(wrong)?;
                    faults.insert(name.to_string(), json(value).ok_or_else(wrong)?);
                }
                _ => {
                    settings.insert(word.to_string(), json(rest).ok_or_else(wrong)?);
                }
            }
        }
        settings.insert(FAULTS.to_string(), Value::Object(faults));
        let plan: Plan = serde_json::from_value(Value::Object(settings))
            .map_err(|error| format!("no plan: {error}"))?;
        let plan = Plan { items, ..plan };
        plan.names_its_nodes().then_some(plan).ok_or_else(|| {
            "no plan: it is about workspaces that are not there, or too many".to_string()
        })
    }

    /// Whether every node that it names exists.
    fn names_its_nodes(&self) -> bool {
        let named = self.items.iter().flat_map(|item| item.planned.nodes());
        let mut named = named.chain(self.noisy);
        (1..=NAMES.len()).contains(&self.nodes) && named.all(|seat| seat < self.seats())
    }
}

impl Faults {
    /// Every fault by name, with its rate, duration or number.
    #[must_use]
    pub fn rates(&self) -> Vec<(String, i64)> {
        let all = fields(self).into_iter();
        all.filter_map(|(name, value)| Some((name, value.as_i64()?)))
            .collect()
    }

    /// The same with a different rate for one of them; `None` if there is no fault with this name.
    #[must_use]
    pub fn with_rate(&self, name: &str, rate: i64) -> Option<Faults> {
        let mut all = fields(self);
        *all.get_mut(name)? = rate.into();
        serde_json::from_value(Value::Object(all)).ok()
    }
}

fn fields(of: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn item(text: &str) -> Option<Item> {
    let mut words = text.splitn(4, ' ');
    let at_ms = words.next()?.parse().ok()?;
    let number = words.next()?.strip_prefix('#')?.parse().ok()?;
    let planned = match (words.next()?, words.next()?) {
        ("node", rest) => {
            let (node, act) = rest.split_once(' ')?;
            Planned::Act(node.parse().ok()?, Act::named(act)?)
        }
        ("trouble", json) => Planned::Trouble(serde_json::from_str::<Trouble>(json).ok()?),
        _ => return None,
    };
    Some(Item {
        at_ms,
        number,
        planned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mattermost::quirks::Generation;

    #[test]
    fn plans_survive_their_text() {
        for seed in 0..200 {
            for plan in [
                Plan::draw(seed, 2),
                Plan::draw(seed, 3),
                Plan::draw_noisy(seed),
                Plan::draw_all(seed, 2, &[Generation::Of11], true),
            ] {
                let text = plan.to_text();
                assert_eq!(Plan::parse(&text), Ok(plan), "{text}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_plan_is_refused() {
        let good = Plan::quiet(1, &[]).to_text();
        for bad in [
            "at 100 #0 node 0 Fly",
            "at 100 #0 node 7 Post",
            "at 100 #0 trouble {\"Backup\":2}",
            "at soon #0 node 0 Post",
            "fault luck 1",
            "colour 3",
            "nodes 9",
            "nonsense",
        ] {
            assert!(Plan::parse(&format!("{good}{bad}\n")).is_err(), "{bad}");
        }
        assert!(Plan::parse("seed 1\n").is_err());
    }
}

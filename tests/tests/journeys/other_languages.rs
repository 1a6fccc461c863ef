//! A policy in JavaScript: its answers are those of the same policy in Rust, and it runs in a workspace.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, ensure};
use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, Place, PolicyChain, PolicyError, PolicyManager,
};
use causeway_engine::runtime::Sandbox;
use causeway_kernel::boundary::policy::{
    self as kernel, Audience, Home, PostQuestion, Question, ReactionQuestion, Verdict,
};
use causeway_policy_questions::{Case, check};
use causeway_tests::command::{component, policy};
use causeway_tests::scene::{arrives, post, wait_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pair::Pair;

/// The questions of the policy in Rust.
const QUESTIONS: &str = include_str!("../../../policies/quiet-hours/questions.jsonl");

/// Settings with everything that they may have.
const EXAMPLES: [&str; 3] = [
    r#"{"open": [{"days": ["sun"], "from": "22:00", "to": "02:00"}]}"#,
    r#"{"utc_offset_minutes": -210, "reactions": false, "connections": ["globex"], "open": [
        {"days": ["mon", "tue", "tue"], "from": "08:00", "to": "18:00"},
        {"days": ["sun"], "from": "22:00", "to": "02:00"}]}"#,
    r#"{"utc_offset_minutes": 840, "connections": ["initech"], "open": [
        {"days": ["wed"], "from": "00:00", "to": "24:00"}]}"#,
];

/// The policy in JavaScript, built once for all tests.
fn built() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().map_err(|_| anyhow!("the build panicked"))?;
    if built.is_none() {
        *built = Some(build()?);
    }
    built.clone().context("it was built")
}

/// Builds it with the tools that its lock file names.
fn build() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("javascript");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/quiet-hours-javascript");
    let status = Command::new("bash")
        .arg(sources.join("build.sh"))
        .arg(&folder)
        .stdin(Stdio::null())
        .status()
        .context("starting bash")?;
    ensure!(
        status.success(),
        "the policy cannot be built; see the lines above"
    );
    Ok(folder.join("quiet-hours.wasm"))
}

/// A policy and the chain with its present settings.
struct Tested {
    component: Vec<u8>,
    policies: ComponentPolicies,
    chain: RefCell<Option<Box<dyn PolicyChain>>>,
}

impl Tested {
    fn open(component: &Path, data: &Path) -> Result<Tested> {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        Ok(Tested {
            component: std::fs::read(component)?,
            policies: ComponentPolicies::open(Sandbox::new(Some(&cache))?, data)?,
            chain: RefCell::default(),
        })
    }

    fn configure(&self, settings: &str) -> Result<(), String> {
        // The service does not even hand these to a policy whose settings are JSON.
        let settings = if settings.is_empty() { "{}" } else { settings };
        let candidate = Candidate::unsigned("tested", &self.component, settings, OnFailure::Hold);
        match self.policies.prepare(&candidate, Place::InForce) {
            Ok(change) => {
                self.policies
                    .keep(change.kept)
                    .map_err(|it| it.to_string())?;
                *self.chain.borrow_mut() = Some(change.chain);
                Ok(())
            }
            Err(PolicyError::Settings(why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }

    fn ask(&self, question: Question<'_>) -> Answer {
        let mut chain = self.chain.borrow_mut();
        let chain = chain.as_mut().expect("it is configured");
        chain.begin_step();
        match chain.ask(&[question]).remove(0) {
            Verdict::Allow => Answer::Allow,
            Verdict::Deny(denial) => Answer::Deny {
                code: denial.code,
                text: denial.text,
            },
            other => panic!("{other:?}"),
        }
    }

    /// What it says of itself: gates, schema of the settings, rules.
    fn said(&self) -> Result<(Vec<String>, Value, Vec<String>)> {
        let state = self.policies.states().remove(0);
        let described = state.described.map_err(anyhow::Error::msg)?;
        let schema = serde_json::from_str(&described.settings_schema)?;
        Ok((described.gates, schema, state.rules))
    }
}

#[derive(Debug, PartialEq, Serialize)]
enum Answer {
    Allow,
    Deny { code: String, text: String },
}

#[derive(Deserialize)]
struct Crossing {
    direction: Direction,
    connection: Connection,
    time_ms: i64,
}

#[derive(Deserialize)]
enum Direction {
    Inbound,
    Outbound,
}

#[derive(Deserialize)]
struct Connection {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Post {
    message: String,
}

#[derive(Deserialize)]
struct Reaction {
    mark: Mark,
}

#[derive(Deserialize)]
enum Mark {
    Emoji(String),
    Acknowledgement,
}

fn outbound(time_ms: i64) -> Crossing {
    Crossing {
        direction: Direction::Outbound,
        connection: Connection {
            id: "cccccccccccccccccccccccccc".into(),
            name: "globex".into(),
        },
        time_ms,
    }
}

/// What a question about something in a channel begins with.
fn context(crossing: &Crossing) -> kernel::Context<'_> {
    kernel::Context {
        direction: match crossing.direction {
            Direction::Inbound => kernel::Direction::Inbound,
            Direction::Outbound => kernel::Direction::Outbound,
        },
        connection_id: &crossing.connection.id,
        connection_name: &crossing.connection.name,
        channel_id: "dddddddddddddddddddddddddd",
        channel_name: "town-square",
        audience: Audience::Open,
        author_id: "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        author_name: "ann",
        author_home: Home::Here,
        now_ms: crossing.time_ms,
    }
}

fn about_post<'a>(crossing: &'a Crossing, message: &'a str) -> Question<'a> {
    Question::Post(PostQuestion {
        context: context(crossing),
        id: "pppppppppppppppppppppppppp",
        root_id: "",
        message,
        texts: Some(Vec::new()),
        kind: "",
        create_at: 0,
        is_edit: false,
    })
}

fn about_reaction<'a>(crossing: &'a Crossing, mark: &'a Mark) -> Question<'a> {
    Question::Reaction(ReactionQuestion {
        context: context(crossing),
        post_id: "pppppppppppppppppppppppppp",
        emoji: match mark {
            Mark::Emoji(name) => Some(name),
            Mark::Acknowledgement => None,
        },
    })
}

/// What both say to a line of the file.
fn asked(case: &Case, tested: &[Tested; 2]) -> Value {
    match case.gate.as_str() {
        "reaction-gate" => case.ask(|crossing: Crossing, reaction: Reaction| {
            same(tested, || about_reaction(&crossing, &reaction.mark))
        }),
        _ => case.ask(|crossing: Crossing, post: Post| {
            same(tested, || about_post(&crossing, &post.message))
        }),
    }
}

/// The answer that both give, to the letter.
fn same<'a>(tested: &[Tested; 2], question: impl Fn() -> Question<'a>) -> Answer {
    let [one, other] = tested;
    let answer = one.ask(question());
    assert_eq!(answer, other.ask(question()));
    answer
}

#[test]
fn a_policy_in_javascript_gives_the_answers_of_the_one_in_rust() -> Result<()> {
    let data = [tempfile::tempdir()?, tempfile::tempdir()?];
    let tested = [
        Tested::open(&component("policies/quiet-hours.wasm")?, data[0].path())?,
        Tested::open(&built()?, data[1].path())?,
    ];
    let [rust, javascript] = &tested;
    // Each must refuse wrong settings for what the file says; the words are its own.
    for speaker in [rust, javascript] {
        let configure = |settings: String| {
            let all = [rust, javascript].map(|it| it.configure(&settings));
            assert_eq!(all[0].is_ok(), all[1].is_ok(), "{all:?}");
            speaker.configure(&settings)
        };
        check(QUESTIONS, configure, |case| asked(case, &tested));
    }
    for settings in EXAMPLES {
        rust.configure(settings).map_err(anyhow::Error::msg)?;
        javascript.configure(settings).map_err(anyhow::Error::msg)?;
        assert_eq!(rust.said()?, javascript.said()?);
        // Every hour of a week, and the moment before it.
        for hour in 0..7 * 24 {
            for time_ms in [hour * 3_600_000, hour * 3_600_000 - 1] {
                let crossing = outbound(time_ms);
                same(&tested, || about_post(&crossing, ""));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_policy_in_javascript_holds_posts_back_until_the_hours_come() -> Result<()> {
    let component = tokio::task::spawn_blocking(built).await??;
    let component = component.to_string_lossy();
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let url = pair.acme.workspace.site_url();
    let put = async |verb: &str, days: &[&str]| {
        let open = json!({ "open": [{ "days": days, "from": "00:00", "to": "24:00" }] });
        let settings = open.to_string();
        let arguments = [verb, "hours", &component, "--settings", &settings];
        policy(&url, &arguments).await
    };
    put("load", &[in_three_days()?]).await?;
    let held = post(ann, &pair.channel, "", "late work").await?;
    wait_for("a denial", async || {
        let list = pair.acme.side.admin.get("/causeway/exceptions").await?;
        let rows = list.as_array().cloned().unwrap_or_default();
        let is_denied = |row: &Value| row["post_id"] == held.as_str() && row["state"] == "denied";
        let said = rows.iter().find(|row| is_denied(row));
        Ok(said.is_some_and(|row| {
            let reason = row["reason"].as_str().unwrap_or_default();
            reason.starts_with("nothing is sent at this hour")
        }))
    })
    .await?;
    put("swap", &DAYS).await?;
    arrives(carla, &held).await?;
    Ok(())
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The day of the week in three days; 1970 began on a Thursday.
fn in_three_days() -> Result<&'static str> {
    let passed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let days = usize::try_from(passed.as_secs() / 86_400)? + 3 + 3;
    DAYS.get(days % 7).copied().context("a day")
}

//! What a question costs inside a step: an instance of each policy answers a list of them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Place,
    PolicyChain, PolicyManager,
};
use causeway_engine::runtime::Sandbox;
use causeway_kernel::boundary::policy::{
    Audience, Context, DirectQuestion, Direction, FileQuestion, Home, Passage, Person,
    PostQuestion, ProfileQuestion, Question, Verdict,
};
use causeway_tests::command::component;

use super::install::{
    CONTENT_FILTER, DM_GATE, FILE_GATE, PROFILE_PRIVACY, QUIET_HOURS, Shipped, bytes,
};
use crate::line::{Line, line};
use crate::spread::percentile;

/// Questions in a list.
const LISTS: [usize; 3] = [1, 10, 100];
/// Questions that are asked for each length of a list.
const QUESTIONS: usize = 10_000;

const PASSAGE: Passage<'static> = Passage {
    direction: Direction::Outbound,
    connection_id: "cccccccccccccccccccccccccc",
    connection_name: "globex",
    now_ms: 1_790_000_000_000,
};

const ANN: Person<'static> = Person {
    id: "aaaaaaaaaaaaaaaaaaaaaaaaaa",
    name: "ann",
    home: Home::Here,
};

pub fn run(folder: &Path) -> Result<Vec<Line>> {
    let cache = folder.join("questions-cache");
    let sandbox = Sandbox::pooled(POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Some(&cache))?;
    let one = |shipped: Shipped, question: Question<'static>| {
        let mut chain = chain(&sandbox, folder, &[shipped])?;
        let name = format!("a question for {}", shipped.0);
        measure(&name, chain.as_mut(), &question, "5 µs")
    };
    let mut lines = vec![
        one(CONTENT_FILTER, post())?,
        one(QUIET_HOURS, post())?,
        one(DM_GATE, direct())?,
        one(FILE_GATE, file())?,
        one(PROFILE_PRIVACY, profile())?,
    ];
    let mut three = chain(&sandbox, folder, &[CONTENT_FILTER, DM_GATE, QUIET_HOURS])?;
    let name = "a question for three policies";
    lines.push(measure(name, three.as_mut(), &post(), "15 µs")?);
    let name = "a question for a policy that only allows";
    let mut pooled = least(&sandbox, folder)?;
    lines.push(measure(name, pooled.as_mut(), &post(), "5 µs")?);
    // Mapped for each instance, where the pool's addresses cannot be reserved.
    let mut mapped = least(&Sandbox::new(Some(&cache))?, folder)?;
    let name = "  the same in memory of its own";
    lines.push(measure(name, mapped.as_mut(), &post(), "")?);
    Ok(lines)
}

fn chain(sandbox: &Sandbox, folder: &Path, shipped: &[Shipped]) -> Result<Box<dyn PolicyChain>> {
    let data = tempfile::tempdir_in(folder)?;
    let policies = ComponentPolicies::open(sandbox.clone(), data.path())?;
    for (name, settings) in shipped {
        let candidate = Candidate::unsigned(name, &bytes(name)?, settings, OnFailure::Hold);
        let loaded = policies.prepare(&candidate, Place::InForce)?;
        policies.keep(loaded.kept)?;
    }
    Ok(policies.open()?)
}

fn least(sandbox: &Sandbox, folder: &Path) -> Result<Box<dyn PolicyChain>> {
    let policies = ComponentPolicies::open(sandbox.clone(), folder)?;
    let testing = std::fs::read(component("testing/policy.wasm")?)?;
    let candidate = Candidate::unsigned("testing", &testing, "allow", OnFailure::Hold);
    let loaded = policies.prepare(&candidate, Place::InForce)?;
    Ok(loaded.chain)
}

/// The median for each length of a list, divided by the length, and the fuel of a question in the longest list.
fn measure(
    name: &str,
    chain: &mut dyn PolicyChain,
    question: &Question<'_>,
    goal: &'static str,
) -> Result<Line> {
    let mut medians = Vec::new();
    let mut fuel = 0;
    for length in LISTS {
        let list = vec![question.clone(); length];
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..QUESTIONS / length {
            chain.begin_step();
            let begun = Instant::now();
            let verdicts = chain.ask(&list);
            times.push(begun.elapsed());
            let is_answered = |it: &Verdict| !matches!(it, Verdict::Failed(_));
            ensure!(verdicts.iter().all(is_answered), "{verdicts:?}");
        }
        times.sort();
        fuel = chain.fuel_used() / length as u64;
        let micros = percentile(&times, 50).as_secs_f64() * 1e6 / length as f64;
        medians.push(format!("{micros:.1}"));
    }
    Ok(line(
        format!("{name}, lists of 1 / 10 / 100, p50"),
        format!("{} µs, {fuel} fuel", medians.join(" / ")),
        goal,
    ))
}

fn context() -> Context<'static> {
    Context {
        direction: Direction::Outbound,
        connection_id: PASSAGE.connection_id,
        connection_name: PASSAGE.connection_name,
        channel_id: "dddddddddddddddddddddddddd",
        channel_name: "falcon",
        audience: Audience::Open,
        author_id: ANN.id,
        author_name: ANN.name,
        author_home: ANN.home,
        now_ms: PASSAGE.now_ms,
    }
}

pub fn post() -> Question<'static> {
    Question::Post(PostQuestion {
        context: context(),
        id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        root_id: "",
        message: "Message 4711 for everybody: the numbers of this week are in, and they are \
                  \"fine\"; see you at ten.",
        texts: Some(Vec::new()),
        kind: "",
        create_at: PASSAGE.now_ms,
        is_edit: false,
    })
}

fn direct() -> Question<'static> {
    Question::Direct(DirectQuestion {
        passage: PASSAGE,
        people: vec![ANN, Person { name: "bea", ..ANN }],
        opener: ANN,
        is_group: false,
    })
}

fn file() -> Question<'static> {
    Question::File(FileQuestion {
        context: context(),
        id: "ffffffffffffffffffffffffff",
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        name: "plan of the week.pdf",
        size: 4_711,
        media_type: "application/pdf",
    })
}

fn profile() -> Question<'static> {
    Question::Profile(ProfileQuestion {
        passage: PASSAGE,
        person: ANN,
        nickname: "Annie",
        first_name: "Ann",
        last_name: "Ash",
        position: "Chief",
        email: "ann@acme.example",
    })
}

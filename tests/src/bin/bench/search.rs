//! Search: how fast a history is indexed, what its index takes, what searches take, and what keeping it takes
//! from the writer.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use causeway_engine::{Engine, EngineOptions};
use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{Command, CreateChannel, CreatePost, CreateTeam, CreateUser};
use causeway_kernel::model::{ChannelKind, Config};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_search::query::Query;
use causeway_search::{FOLLOWED, Request, Search};
use causeway_views::query::Page;
use futures_util::{StreamExt, stream};

use crate::line::{Line, line};
use crate::spread::{ms, percentile};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Posts of the history that is searched.
    #[arg(long, default_value_t = 1_000_000)]
    searched: u64,
}

const ANN: UserNo = UserNo(1);
/// Different words.
const WORDS: u64 = 50_000;
/// Words of a post.
const WORDS_PER_POST: u64 = 12;
/// Posts that are under way at the same time.
const AT_ONCE: usize = 256;
/// One of so many posts is written once more beside the index.
const AGAIN: u64 = 10;
/// Searches of each kind.
const SEARCHES: u64 = 200;
/// How long the index may take.
const DEADLINE: Duration = Duration::from_secs(3_600);

/// A number that looks random.
fn drawn(seed: u64) -> u64 {
    let digest = blake3::hash(&seed.to_le_bytes());
    let first = digest.as_bytes().first_chunk::<8>();
    first.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A word: lower ones are much more frequent when numbers are drawn by [`frequent`].
fn word(number: u64) -> String {
    let mut rest = number + 26;
    let mut letters = String::new();
    while rest > 0 {
        letters.extend(char::from_digit((rest % 26) as u32 + 10, 36));
        rest /= 26;
    }
    letters
}

/// The number of a word as it occurs in texts: few words are frequent, most are rare.
fn frequent(seed: u64) -> u64 {
    let share = (drawn(seed) >> 11) as f64 / (1_u64 << 53) as f64;
    (share.powi(4) * WORDS as f64) as u64
}

fn message(number: u64) -> String {
    let words = (0..WORDS_PER_POST).map(|at| word(frequent(number * WORDS_PER_POST + at)));
    words.collect::<Vec<_>>().join(" ")
}

/// Measures, and shows every line as soon as it is known.
pub async fn run(options: &Options, mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    let (data, posts) = (folder.path(), options.searched);
    let again = (posts / AGAIN).max(1);
    let engine = open(data, false)?;
    let channel = prepare(&engine).await?;
    write(&engine, channel, 0..posts).await?;
    let without = write(&engine, channel, posts..posts + again).await?;
    engine.shutdown().await;
    drop(engine);

    let engine = open(data, true)?;
    let begun = Instant::now();
    let search = Search::start(data, engine.clone())?;
    ensure!(search.wait(engine.snapshot().seq(), DEADLINE), "no index");
    let rate = (posts + again) as f64 / begun.elapsed().as_secs_f64();
    let bytes = bytes_of(&data.join("search"))? / (posts + again);
    show(&line("posts indexed, per second", format!("{rate:.0}"), ""));
    show(&line(
        "index, bytes per post of 12 words",
        format!("{bytes}"),
        "",
    ));
    for (kind, terms) in kinds() {
        let p50 = searched(&engine, &search, terms)?;
        show(&line(
            format!("search among {posts} posts: {kind}, p50"),
            ms(p50),
            "",
        ));
    }
    let first = posts + again;
    let with = write(&engine, channel, first..first + again).await?;
    show(&line(
        "posts written per second, without an index / with one",
        format!("{without:.0} / {with:.0}"),
        "",
    ));
    let begun = Instant::now();
    ensure!(search.wait(engine.snapshot().seq(), DEADLINE), "no index");
    let lag = ms(begun.elapsed());
    show(&line("the index has all of them after", lag, ""));
    engine.shutdown().await;
    search.stop();
    Ok(())
}

/// A kind of searches, and the text of one by its number.
type Kind = (&'static str, fn(u64) -> String);

fn kinds() -> [Kind; 5] {
    [
        ("a rare word", |n| word(WORDS / 2 + n)),
        ("a frequent word", |n| word(n % 10)),
        ("two words", |n| {
            format!("{} {}", word(n % 50), word(100 + n))
        }),
        ("a phrase of two words", |n| {
            let text = message(n);
            let words: Vec<&str> = text.split(' ').take(2).collect();
            format!("\"{}\"", words.join(" "))
        }),
        ("a beginning of a word", |n| format!("{}*", word(n % 600))),
    ]
}

fn open(data: &Path, is_followed: bool) -> Result<Engine> {
    let (engine, _effects) = Engine::open(EngineOptions {
        data_dir: data.to_path_buf(),
        genesis: Genesis {
            site_url: "http://127.0.0.1:8065".into(),
            config: Config::default(),
        },
        followed: if is_followed { FOLLOWED } else { &[] },
        ..EngineOptions::default()
    })?;
    Ok(engine)
}

/// Creates a user, a team and a channel.
async fn prepare(engine: &Engine) -> Result<ChannelNo> {
    let user = CreateUser {
        admin: true,
        ..CreateUser::named("ann", "ann@acme.example".to_string())
    };
    submit(engine, Actor::System, Command::CreateUser(user)).await?;
    let team = CreateTeam {
        name: "acme".into(),
        display_name: "Acme".into(),
        description: String::new(),
        is_open: true,
    };
    submit(engine, Actor::User(ANN), Command::CreateTeam(team)).await?;
    let channel = CreateChannel {
        team: TeamNo(1),
        name: "history".into(),
        display_name: "History".into(),
        header: String::new(),
        purpose: String::new(),
        kind: ChannelKind::Public,
    };
    match submit(engine, Actor::User(ANN), Command::CreateChannel(channel)).await? {
        Reply::Object(Object::Channel(channel)) => Ok(channel),
        other => bail!("no channel: {other:?}"),
    }
}

async fn submit(engine: &Engine, actor: Actor, command: Command) -> Result<Reply> {
    let input = Input::Command {
        actor,
        key: None,
        command,
    };
    Ok(engine.submit(input).await?)
}

/// Writes posts as fast as the engine takes them; how many per second.
async fn write(engine: &Engine, channel: ChannelNo, posts: std::ops::Range<u64>) -> Result<f64> {
    let count = posts.end - posts.start;
    let begun = Instant::now();
    let written = stream::iter(posts).map(|number| {
        let command = Command::CreatePost(CreatePost {
            channel,
            root: None,
            message: message(number),
            props: String::new(),
            kind: String::new(),
            priority: None,
            files: Vec::new(),
        });
        submit(engine, Actor::User(ANN), command)
    });
    let mut written = written.buffered(AT_ONCE);
    while let Some(reply) = written.next().await {
        let reply = reply?;
        let Reply::Object(Object::Post(_)) = reply else {
            bail!("no post: {reply:?}");
        };
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Half of the searches take at most so long.
fn searched(engine: &Engine, search: &Search, terms: fn(u64) -> String) -> Result<Duration> {
    let mut times = Vec::new();
    let mut found = 0;
    for number in 0..SEARCHES {
        let request = Request {
            user: ANN,
            team: None,
            query: Query::parse(&terms(number), 0),
            is_or: false,
            with_archived: false,
            page: Page::new(0, 0),
        };
        let begun = Instant::now();
        found += search.posts(&engine.snapshot(), &request)?.len();
        times.push(begun.elapsed());
    }
    ensure!(found > 0, "nothing was found");
    times.sort_unstable();
    Ok(percentile(&times, 50))
}

fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(folder).context("the folder of the index")? {
        // A merge may just have removed it.
        bytes += file?.metadata().map_or(0, |it| it.len());
    }
    Ok(bytes)
}

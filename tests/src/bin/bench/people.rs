//! The people of a workspace at another one: memberships, statuses, discovery; and shared channels after an outage.
//!
//! The people are made while their service is stopped, and the time counts from the start of the service until
//! the last of them is seen at the other one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use causeway_engine::Engine;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{AddChannelMember, AddTeamMember, Command, CreateUser};
use causeway_kernel::model::limits::STATUSES_PER_STEP_MAX;
use causeway_kernel::model::{Availability, ChannelMember, LocalStatus, Status, User};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use causeway_tests::scene::{post, share, visible};
use hyper::Method;
use serde_json::{Value, json};

use crate::hosts::{Pair, mebibytes, two_with};
use crate::line::{Line, line};
use crate::offline;
use crate::spread::ms;

/// People who join a shared channel.
const MEMBERS: u32 = 1_000;
/// People whose statuses change.
const PRESENT: u32 = 5_000;
/// People who are offered to the other workspace.
const OFFERED: u32 = 50_000;
/// Channels with something to send after an outage, and posts in each.
const CHANNELS: u32 = 50;
const POSTS: u32 = 20;
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(900);
/// The features that are measured, and the largest messages.
const SETTINGS: [(&str, &str); 4] = [
    ("MM_FEATUREFLAGS_ENABLESHAREDCHANNELSMEMBERSYNC", "true"),
    ("MM_FEATUREFLAGS_ENABLESYNCALLUSERSFORREMOTECLUSTER", "true"),
    (
        "MM_CONNECTEDWORKSPACESSETTINGS_GLOBALUSERSYNCBATCHSIZE",
        "200",
    ),
    ("MM_CONNECTEDWORKSPACESSETTINGS_MEMBERSYNCBATCHSIZE", "200"),
];

/// Measures, and shows every line as soon as it is known.
pub async fn run(mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    let (acme, globex) = two_with(folder.path(), &SETTINGS).await?;
    let pair = Pair::connect(&acme, &globex).await?;
    let (acme, globex) = outages(&pair, acme, globex, &mut show).await?;

    let (acme, took) = members(&pair, acme, MEMBERS).await?;
    show(&rate("people who join a shared channel", MEMBERS, took));
    let (acme, took) = members(&pair, acme, PRESENT - MEMBERS).await?;
    show(&rate(
        "more of them, in a channel of 1,000",
        PRESENT - MEMBERS,
        took,
    ));
    let (acme, took) = statuses(&pair, acme).await?;
    show(&rate("statuses of members that change", PRESENT, took));
    let (acme, took) = discovery(&pair, acme).await?;
    show(&rate("people who are offered", OFFERED, took));
    show(&line(
        "peak memory after that, offering / taking in",
        format!(
            "{} / {}",
            mebibytes(acme.peak_resident_bytes()?),
            mebibytes(globex.peak_resident_bytes()?)
        ),
        "",
    ));
    acme.stop().await?;
    globex.stop().await?;
    Ok(())
}

fn rate(what: &str, number: u32, took: Duration) -> Line {
    let seconds = took.as_secs_f64();
    line(
        format!("{number} {what}, seconds (per second)"),
        format!("{seconds:.1} ({:.0})", f64::from(number) / seconds),
        "",
    )
}

/// Stops a service, does something with its data, and starts it again; and when it was started.
async fn offline(
    service: Workspace,
    work: impl AsyncFnOnce(&Engine) -> Result<()>,
) -> Result<(Workspace, Instant)> {
    let (name, port, site_url) = (service.name.clone(), service.port, service.site_url());
    let data = service.stop().await?;
    let engine = offline::open(&data, site_url).await?;
    work(&engine).await?;
    engine.shutdown().await;
    let begun = Instant::now();
    Ok((start(&name, &data, port).await?, begun))
}

async fn start(name: &str, data: &Path, port: u16) -> Result<Workspace> {
    Workspace::start_with(name, data, port, &SETTINGS).await
}

/// Makes accounts without passwords.
async fn accounts(engine: &Engine, name: &str, number: u32) -> Result<Vec<UserNo>> {
    let one = |n| {
        let username = format!("{name}{n}");
        let email = format!("{username}@acme.example");
        Command::CreateUser(CreateUser::named(username, email))
    };
    let replies = by_operator(engine, (0..number).map(one)).await?;
    let made = replies.into_iter().map(|reply| match reply {
        Reply::Object(Object::User(no)) => Ok(no),
        other => bail!("not an account: {other:?}"),
    });
    made.collect()
}

async fn by_operator(
    engine: &Engine,
    commands: impl Iterator<Item = Command>,
) -> Result<Vec<Reply>> {
    let inputs = commands.map(|command| Input::Command {
        actor: Actor::System,
        key: None,
        command,
    });
    let replies = offline::carry_out(engine, inputs).await?;
    let refused = replies.iter().find(|it| matches!(it, Reply::Refused(_)));
    ensure!(refused.is_none(), "{refused:?}");
    Ok(replies)
}

/// Waits until something is so at the other service.
async fn until(
    what: &str,
    begun: Instant,
    mut is_so: impl AsyncFnMut() -> Result<bool>,
) -> Result<Duration> {
    while !is_so().await? {
        ensure!(begun.elapsed() < DEADLINE, "{what} took too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(begun.elapsed())
}

fn numbers(engine: &Engine, pair: &Pair) -> Result<(TeamNo, ChannelNo)> {
    let rows = engine.snapshot();
    let channel = lookup::channel(&rows, &pair.channel).context("the channel")?;
    let team = lookup::team(&rows, &pair.acme.team_id).context("the team")?;
    Ok((team, channel))
}

/// People join the shared channel: until the other service counts them.
async fn members(pair: &Pair, acme: Workspace, number: u32) -> Result<(Workspace, Duration)> {
    let there = &pair.globex.admin;
    let path = format!("/channels/{}/stats", pair.channel);
    let count = async || -> Result<u64> {
        let stats = there.get(&path).await?;
        stats["member_count"].as_u64().context("a count")
    };
    let before = count().await?;
    let (acme, begun) = offline(acme, async |engine| {
        let (team, channel) = numbers(engine, pair)?;
        let users = accounts(engine, &format!("member{before}x"), number).await?;
        // The commands of a pass are carried out in any order.
        let to_team = |user: &UserNo| Command::AddTeamMember(AddTeamMember { team, user: *user });
        by_operator(engine, users.iter().map(to_team)).await?;
        let to_channel = |user: &UserNo| {
            let user = *user;
            Command::AddChannelMember(AddChannelMember { channel, user })
        };
        by_operator(engine, users.iter().map(to_channel)).await?;
        Ok(())
    })
    .await?;
    let expected = before + u64::from(number);
    let took = until("joining", begun, async || Ok(count().await? == expected)).await?;
    Ok((acme, took))
}

/// Everybody in the shared channel wants to be left alone: until the other service shows it of the last one.
async fn statuses(pair: &Pair, acme: Workspace) -> Result<(Workspace, Duration)> {
    let mut last = String::new();
    let (acme, begun) = offline(acme, async |engine| {
        let users: Vec<UserNo> = {
            let rows = engine.snapshot();
            let (_, channel) = numbers(engine, pair)?;
            rows.prefix::<ChannelMember, _>(&channel, 2 * PRESENT)
                .into_iter()
                .map(|((_, user), _)| user)
                .filter(|user| is_local(engine, *user))
                .collect()
        };
        ensure!(users.len() >= PRESENT as usize, "{} members", users.len());
        last = id_of(engine, users.last().copied())?;
        let status = Status {
            // Chosen by hand, so that the start of the service does not change it.
            availability: Availability::Dnd,
            manual: true,
            ..Status::UNKNOWN
        };
        let changes: Vec<LocalStatus> = users
            .into_iter()
            .map(|user| LocalStatus { user, status })
            .collect();
        let inputs = changes.chunks(STATUSES_PER_STEP_MAX);
        offline::carry_out(engine, inputs.map(|some| Input::Statuses(some.to_vec()))).await?;
        Ok(())
    })
    .await?;
    let path = format!("/users/{last}/status");
    let there = &pair.globex.admin;
    let took = until("the statuses", begun, async || {
        Ok(there.get(&path).await?["status"] == "dnd")
    })
    .await?;
    Ok((acme, took))
}

/// People appear who share no channel: until the last of them is found at the other service.
async fn discovery(pair: &Pair, acme: Workspace) -> Result<(Workspace, Duration)> {
    let (acme, begun) = offline(acme, async |engine| {
        accounts(engine, "offered", OFFERED).await.map(|_| ())
    })
    .await?;
    let name = format!("offered{}", OFFERED - 1);
    let there = &pair.globex.admin;
    let took = until("the offer", begun, async || {
        Ok(!found(there, &name).await?.is_empty())
    })
    .await?;
    Ok((acme, took))
}

async fn found(client: &Client, term: &str) -> Result<Vec<Value>> {
    let body = json!({ "term": term, "limit": 10 });
    let answer = client
        .call(Method::POST, "/users/search", Some(body))
        .await?;
    Ok(answer.ok()?.as_array().cloned().unwrap_or_default())
}

fn is_local(engine: &Engine, user: UserNo) -> bool {
    let row = engine.snapshot().get::<User>(&user);
    row.is_some_and(|user| user.origin.is_ours())
}

fn id_of(engine: &Engine, user: Option<UserNo>) -> Result<String> {
    let row = user.and_then(|user| engine.snapshot().get::<User>(&user));
    Ok(row.context("a user")?.id.to_string())
}

/// The other service goes away and comes back: how soon a missed post is there, and how soon everything is that was
/// written in many channels.
async fn outages(
    pair: &Pair,
    acme: Workspace,
    globex: Workspace,
    show: &mut impl FnMut(&Line),
) -> Result<(Workspace, Workspace)> {
    let connection = pair.acme.connection("globex").await?;
    let connection = connection.context("the connection")?;
    let connection = connection["remote_id"].as_str().context("its id")?;
    let mut channels = Vec::new();
    for number in 0..CHANNELS {
        let channel = pair.acme.channel(&format!("room{number}"), &[]).await?;
        share(&pair.acme, &pair.globex, &channel, connection).await?;
        channels.push(channel);
    }
    let (writer, reader) = (&pair.acme.admin, &pair.globex.admin);
    let has = async |channel: &String, number: u32| {
        let shown = visible(reader, channel).await;
        Ok(shown.is_ok_and(|shown| shown.len() >= number as usize))
    };

    let (port, data) = (globex.port, globex.stop().await?);
    post(writer, &channels[0], "", "missed").await?;
    let begun = Instant::now();
    let globex = start("globex", &data, port).await?;
    let answers = begun.elapsed();
    let took = until("the missed post", begun, async || {
        has(&channels[0], 1).await
    })
    .await?;
    show(&line(
        "start of a peer, until it answers / has the first missed post",
        format!("{} / {}", ms(answers), ms(took)),
        "200 ms apart",
    ));

    let (port, data) = (globex.port, globex.stop().await?);
    for _ in 0..POSTS {
        for channel in &channels {
            post(writer, channel, "", "missed").await?;
        }
    }
    let begun = Instant::now();
    let globex = start("globex", &data, port).await?;
    for (at, channel) in channels.iter().enumerate() {
        let expected = POSTS + u32::from(at == 0);
        until("catching up", begun, async || has(channel, expected).await).await?;
    }
    show(&line(
        format!("{CHANNELS} channels with {POSTS} missed posts each, from the start of the peer"),
        ms(begun.elapsed()),
        "",
    ));
    Ok((acme, globex))
}

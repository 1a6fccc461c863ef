//! What a step of the kernel costs, natively and as the component. Two workspaces share a
//! channel; one of them writes while the other is unreachable and then sends the backlog.

mod report;
mod site;
mod store;

use anyhow::{Result, bail, ensure};
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, KernelSource, NativeSource, Sandbox,
};
use causeway_kernel::boundary::input::{Actor, Genesis, Input, PingAnswer};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{
    AcceptConnection, AddChannelMember, AddReaction, AddTeamMember, Command, ConfirmConnection,
    CreateChannel, CreateConnection, CreatePost, CreateTeam, CreateUser, InviteToChannel,
};
use causeway_kernel::model::{ChannelKind, Config, History, PeerKind};
use causeway_kernel::rows::id::{ChannelNo, Id, PostNo, TeamNo, UserNo};

use report::{Phase, Report};
use site::{CONNECTION, SentFrame, Site, user};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Posts of the backlog.
    #[arg(long, default_value_t = 20_000)]
    posts: u64,
    /// Measure only this kernel, for use with a profiler.
    #[arg(long)]
    only: Option<Kernel>,
}

/// How the kernel is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kernel {
    Native,
    Component,
}

/// Users of the workspace that writes.
const AUTHORS: u64 = 4;

/// One of so many posts is a reply, mentions somebody, or gets a reaction.
const REPLY_EVERY: u64 = 5;
const MENTION_EVERY: u64 = 10;
const REACTION_EVERY: usize = 4;

/// Measures, and returns the results.
pub fn run(options: &Options) -> Result<Report> {
    let kernels: Vec<Kernel> = match options.only {
        Some(one) => vec![one],
        None => vec![Kernel::Native, Kernel::Component],
    };
    let sandbox = Sandbox::new(None)?;
    let sources: Vec<Box<dyn KernelSource>> = kernels
        .iter()
        .map(|kernel| -> Box<dyn KernelSource> {
            match kernel {
                Kernel::Native => Box::new(NativeSource),
                Kernel::Component => {
                    let options = ComponentOptions::default();
                    Box::new(ComponentSource::embedded(sandbox.clone(), options))
                }
            }
        })
        .collect();
    let mut pair = Pair::connected(&sources)?;
    let channel = pair.share_channel()?;
    let names = kernels.iter().map(|kernel| match kernel {
        Kernel::Native => "native",
        Kernel::Component => "component",
    });
    let mut report = Report {
        kernels: names.collect(),
        phases: Vec::new(),
        notes: Vec::new(),
    };
    let posts = pair.measure_posts(options.posts, channel, &mut report)?;
    pair.measure_reactions(&posts, &mut report)?;
    report.notes.extend(pair.memory_note());
    Ok(report)
}

/// Two workspaces: the first writes, the second receives.
struct Pair {
    writer: Site,
    reader: Site,
}

impl Pair {
    /// Two workspaces with a team and users each, and a connection between them.
    fn connected(sources: &[Box<dyn KernelSource>]) -> Result<Pair> {
        let mut pair = Pair {
            writer: Site::new(1, sources)?,
            reader: Site::new(2, sources)?,
        };
        for (site, name) in [(&mut pair.writer, "acme"), (&mut pair.reader, "globex")] {
            let site_url = format!("https://{name}.example");
            let config = Config::default();
            site.run(&Input::Genesis(Genesis { site_url, config }))?;
            for number in 1..=AUTHORS {
                site.act(Actor::System, create_user(&format!("{name}-{number}")))?;
            }
            site.act(user(1), create_team())?;
            for number in 2..=AUTHORS {
                let (team, user) = (TeamNo(1), UserNo(number));
                site.act(
                    site::user(1),
                    Command::AddTeamMember(AddTeamMember { team, user }),
                )?;
            }
        }
        pair.connect()?;
        Ok(pair)
    }

    fn connect(&mut self) -> Result<()> {
        let command = |command| Input::Command {
            actor: user(1),
            key: None,
            command,
        };
        let create = Command::CreateConnection(create_connection("globex"));
        let (output, _) = self.writer.run(&command(create))?;
        let remote_id = connection_id(&output)?;
        let accept = Command::AcceptConnection(AcceptConnection {
            create: create_connection("acme"),
            remote_id,
            site_url: "https://acme.example".into(),
            kind: PeerKind::Causeway,
            remote_team_id: String::new(),
        });
        self.reader.run(&command(accept))?;
        let peers = [
            (&mut self.writer, "https://globex.example"),
            (&mut self.reader, "https://acme.example"),
        ];
        for (site, peer_url) in peers {
            let confirm = Command::ConfirmConnection(ConfirmConnection {
                connection: CONNECTION,
                site_url: peer_url.into(),
                kind: PeerKind::Causeway,
                remote_team_id: String::new(),
            });
            let actor = Actor::System;
            site.run(&Input::Command {
                actor,
                key: None,
                command: confirm,
            })?;
            let answer = PingAnswer {
                sent_at_ms: site.now_ms(),
                recv_at_ms: site.now_ms(),
                kind: Some(PeerKind::Causeway),
                incarnation: None,
            };
            let (connection, answer) = (CONNECTION, Some(answer));
            site.run(&Input::Ping { connection, answer })?;
        }
        Ok(())
    }

    /// Creates a channel with all authors and shares it.
    fn share_channel(&mut self) -> Result<ChannelNo> {
        let (made, _, _) = self.writer.act(user(1), create_channel())?;
        let Object::Channel(channel) = made else {
            bail!("no channel: {made:?}");
        };
        for number in 2..=AUTHORS {
            let member = UserNo(number);
            let add = Command::AddChannelMember(AddChannelMember {
                channel,
                user: member,
            });
            self.writer.act(user(1), add)?;
        }
        let invite = Command::InviteToChannel(InviteToChannel {
            channel,
            connection: CONNECTION,
            read_only: false,
            history: History::Configured,
        });
        let (output, _) = self.writer.run(&Input::Command {
            actor: user(1),
            key: None,
            command: invite,
        })?;
        let mut next = site::frame(&output)?;
        while let Some(frame) = next {
            let attempt = frame.attempt;
            let (answer, _) = self.reader.receive(frame)?;
            (next, _) = self.writer.answered(attempt, answer)?;
        }
        Ok(channel)
    }

    /// Writes posts while the reader is unreachable, then delivers the backlog.
    fn measure_posts(
        &mut self,
        count: u64,
        channel: ChannelNo,
        report: &mut Report,
    ) -> Result<Vec<PostNo>> {
        let mut create = Phase::new("create a post");
        let mut waiting: Option<SentFrame> = None;
        let mut root = None;
        let mut posts = Vec::new();
        for number in 0..count {
            let is_reply = number % REPLY_EVERY == 1;
            let post = create_post(channel, root.filter(|_| is_reply), number);
            let (made, frame, cost) = self.writer.act(user(1 + number % AUTHORS), post)?;
            create.add(1, cost);
            waiting = waiting.or(frame);
            let Object::Post(post) = made else {
                bail!("no post: {made:?}");
            };
            posts.push(post);
            if !is_reply {
                root = Some(post);
            }
        }
        let names = ["next round of posts", "frame of posts"];
        let (round, frame) = self.drain(waiting, names, r#""pending_post_id""#)?;
        ensure!(create.items() == round.items(), "posts were lost");
        let sum = |phases: &[&Phase]| -> Vec<f64> {
            let mut sums = vec![0.0; report.kernels.len()];
            for phase in phases {
                sums.iter_mut()
                    .zip(phase.item_us())
                    .for_each(|(sum, us)| *sum += us);
            }
            sums
        };
        let both = [sum(&[&round, &frame]), sum(&[&create, &round, &frame])];
        for (kernel, name) in report.kernels.iter().enumerate() {
            let [backlog, whole] = both.each_ref().map(|sums| sums[kernel]);
            let ((first_round, last_round), (first_frame, last_frame)) = (
                round.first_and_last_us()[kernel],
                frame.first_and_last_us()[kernel],
            );
            report.notes.push(format!(
                "{name}: a post of the backlog costs both sides {backlog:.1} µs ({:.0} posts/s of \
                 one core), {whole:.1} µs with its creation; first and last tenth of the rounds \
                 {first_round:.0} and {last_round:.0} µs, of the frames {first_frame:.0} and \
                 {last_frame:.0} µs",
                1e6 / backlog
            ));
        }
        report.phases.extend([create, round, frame]);
        Ok(posts)
    }

    /// Adds reactions while the reader is unreachable, then delivers the backlog.
    fn measure_reactions(&mut self, posts: &[PostNo], report: &mut Report) -> Result<()> {
        let mut add = Phase::new("add a reaction");
        let mut waiting = None;
        for (number, post) in (0..).zip(posts.iter().step_by(REACTION_EVERY)) {
            let react = Command::AddReaction(AddReaction {
                post: *post,
                emoji: "tada".into(),
            });
            let (_, frame, cost) = self.writer.act(user(1 + number % AUTHORS), react)?;
            add.add(1, cost);
            waiting = waiting.or(frame);
        }
        let names = ["next round of reactions", "frame of reactions"];
        let (round, frame) = self.drain(waiting, names, r#""emoji_name""#)?;
        ensure!(add.items() == round.items(), "reactions were lost");
        report.phases.extend([add, round, frame]);
        Ok(())
    }

    /// Memory that the kernels keep between steps.
    fn memory_note(&self) -> Option<String> {
        let kept = [&self.writer, &self.reader].map(Site::memory_bytes);
        let kibibytes = kept.map(|bytes| bytes >> 10);
        (kept != [0, 0]).then(|| {
            let [writer, reader] = kibibytes;
            format!("memory that the component keeps: sender {writer} KiB, receiver {reader} KiB")
        })
    }

    /// Delivers what the writer sends until nothing is left. Each occurrence of `mark` in a frame is an
    /// item; frames without any (profiles) count as steps of the round that they belong to.
    fn drain(
        &mut self,
        mut next: Option<SentFrame>,
        [round_name, frame_name]: [&'static str; 2],
        mark: &str,
    ) -> Result<(Phase, Phase)> {
        let (mut round, mut frame) = (Phase::new(round_name), Phase::new(frame_name));
        while let Some(sent) = next {
            let items = std::str::from_utf8(&sent.body)?.matches(mark).count();
            let attempt = sent.attempt;
            let (answer, cost) = self.reader.receive(sent)?;
            frame.add(items, cost);
            let (following, cost) = self.writer.answered(attempt, answer)?;
            round.add(items, cost);
            next = following;
        }
        Ok((round, frame))
    }
}

fn connection_id(output: &causeway_engine::runtime::StepOutput) -> Result<Id> {
    use causeway_kernel::model::Connection;
    use causeway_kernel::rows::tx::Record;

    let row = output
        .writes
        .iter()
        .find(|write| write.table == Connection::TABLE)
        .and_then(|write| Connection::from_bytes(write.value.as_deref()?));
    match row {
        Some(connection) => Ok(connection.remote_id),
        None => bail!("no connection was made"),
    }
}

fn create_user(name: &str) -> Command {
    Command::CreateUser(CreateUser {
        first_name: "Ann".into(),
        last_name: "Example".into(),
        admin: true,
        ..CreateUser::named(name, format!("{name}@bench.example"))
    })
}

fn create_team() -> Command {
    Command::CreateTeam(CreateTeam {
        name: "main".into(),
        display_name: "Main".into(),
        description: String::new(),
        is_open: true,
    })
}

fn create_channel() -> Command {
    Command::CreateChannel(CreateChannel {
        team: TeamNo(1),
        name: "lounge".into(),
        display_name: "Lounge".into(),
        header: String::new(),
        purpose: String::new(),
        kind: ChannelKind::Public,
    })
}

fn create_connection(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.into(),
        display_name: String::new(),
        default_team_id: String::new(),
    }
}

fn create_post(channel: ChannelNo, root: Option<PostNo>, number: u64) -> Command {
    let whom = if number.is_multiple_of(MENTION_EVERY) {
        "@acme-1"
    } else {
        "everybody"
    };
    Command::CreatePost(CreatePost {
        channel,
        root,
        message: format!(
            "Message {number} for {whom}: the numbers of this week are in, and they are \"fine\"; \
             see you at ten."
        ),
        props: String::new(),
        kind: String::new(),
        priority: None,
        files: Vec::new(),
    })
}

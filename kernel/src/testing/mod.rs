//! The workspace that unit tests act on: tables in memory, a clock, and the last step's effects.
//!
//! - [`acts`]: commands of local users and the operator
//! - `people`: local users, their team and channels, and what they write
//! - `connections`: connections to peers, shared channels, pings and receipts
//! - [`frames`]: what peers send, as JSON
//! - `receiver`: a model of a peer that takes what is sent to it

pub mod acts;
mod connections;
pub mod frames;
mod people;
mod policies;
mod receiver;

pub use connections::{ACME, OTHER, TEAM_OF_THE_PEER};
pub use people::{ADMIN, ANN, BOB, EVE, TEAM, TOWN};

use crate::boundary::env::StepContext;
use crate::boundary::input::{Actor, Genesis, Input};
use crate::boundary::output::{
    Effect, Event, Object, Output, Refusal, Reply, SendFile, SendPicture,
};
use crate::command::Command;
use crate::model::Config;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::testing::MemoryHost;
use crate::rows::tx::{Read, Record, Tx};
use receiver::Receiver;

/// The time at which a world begins, in ms.
pub const START: i64 = 1_700_000_000_000;
/// How far the clock moves before each step, in ms.
pub const TICK_MS: i64 = 10;

/// Mixed into the seeds of [`World::run`]; [`World::step`] uses 0, so that their ids differ.
const SALT: u64 = 7;

/// A workspace under test.
pub struct World {
    /// Its rows and policies.
    pub host: MemoryHost,
    /// Its clock, in ms.
    pub now_ms: i64,
    /// The effects of the last step.
    pub effects: Vec<Effect>,
    /// Frames that were sent and that no test has taken yet, with their attempts.
    pub out: Vec<(u64, Vec<u8>)>,
    /// Bytes of files that were sent and that no test has taken yet.
    pub sent_bytes: Vec<SendFile>,
    /// Pictures that were sent and that no test has taken yet.
    pub sent_pictures: Vec<SendPicture>,
    /// The peer behind [`ACME`], for tests that deliver what is sent.
    pub peer: Receiver,
    steps: u64,
}

impl World {
    /// After genesis, without users; nobody may sign up.
    pub fn empty() -> World {
        let mut world = World {
            host: MemoryHost::new(),
            now_ms: START,
            effects: Vec::new(),
            out: Vec::new(),
            sent_bytes: Vec::new(),
            sent_pictures: Vec::new(),
            peer: Receiver::default(),
            steps: 0,
        };
        world.run(Input::Genesis(Genesis {
            site_url: "http://here.example/".into(),
            config: Config::default(),
        }));
        world
    }

    /// Carries out an input.
    pub fn run(&mut self, input: Input) -> Output {
        self.now_ms += TICK_MS;
        let output = self.host.run(self.now_ms, SALT, &input);
        self.keep(output.effects.clone());
        output
    }

    /// Carries out a part of a step in a transaction of its own.
    pub fn step<R>(&mut self, act: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        self.steps += 1;
        self.now_ms += TICK_MS;
        let context = StepContext {
            now_ms: self.now_ms,
            seed: u128::from(self.steps).to_be_bytes(),
        };
        let mut tx = Tx::new(&self.host, context);
        let result = act(&mut tx);
        let (writes, effects) = tx.finish();
        self.host.apply(&writes);
        self.keep(effects);
        result
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in &effects {
            match effect {
                Effect::Send { attempt, frame, .. } => self.out.push((*attempt, frame.clone())),
                Effect::SendFile(file) => self.sent_bytes.push(file.clone()),
                Effect::SendPicture(picture) => self.sent_pictures.push(picture.clone()),
                _ => {}
            }
        }
        self.effects = effects;
    }

    /// Does everything that is due.
    pub fn run_due(&mut self) {
        for _ in 0..100 {
            self.run(Input::Timer);
            let is_due =
                |effect: &Effect| matches!(effect, Effect::Wake { at_ms } if *at_ms <= self.now_ms);
            if !self.effects.iter().any(is_due) {
                return;
            }
        }
        panic!("there is always something due");
    }

    /// Carries out a command, with the client's key if it has one.
    pub fn output(&mut self, actor: Actor, key: Option<&str>, command: Command) -> Output {
        self.run(Input::Command {
            actor,
            key: key.map(String::from),
            command,
        })
    }

    /// What a command made or touched. A refused one must leave neither writes nor effects.
    pub fn act(&mut self, actor: Actor, command: Command) -> Result<Object, Refusal> {
        let output = self.output(actor, None, command);
        match output.reply {
            Reply::Object(object) => Ok(object),
            Reply::Refused(refusal) => {
                assert!(output.writes.is_empty(), "a refused command wrote");
                assert!(output.effects.is_empty(), "a refused command had effects");
                Err(refusal)
            }
            other => panic!("{other:?}"),
        }
    }

    /// [`World::act`] by a user.
    pub fn by(&mut self, user: UserNo, command: Command) -> Result<Object, Refusal> {
        self.act(Actor::User(user), command)
    }

    /// Status and id of the refusal of a user's command; fails if the command is not refused.
    pub fn refusal(&mut self, user: UserNo, command: Command) -> (u16, String) {
        let refusal = self.by(user, command).unwrap_err();
        (refusal.status, refusal.id)
    }

    /// A stored row; fails if it does not exist.
    pub fn get<R: Record>(&self, key: &R::Key) -> R {
        self.host.get::<R>(key).unwrap()
    }

    /// Changes a stored row, bypassing every rule.
    pub fn alter<R: Record>(&mut self, key: &R::Key, change: impl FnOnce(&mut R)) {
        self.step(|tx| {
            let mut row = tx.get::<R>(key).unwrap();
            change(&mut row);
            tx.put(key, &row);
        });
    }

    /// The events of the last step.
    pub fn events(&self) -> Vec<Event> {
        let events = self.effects.iter().filter_map(|effect| match effect {
            Effect::Event(event) => Some(event.clone()),
            _ => None,
        });
        events.collect()
    }

    /// What the last step told single users: channel, user and text.
    pub fn ephemeral(&self) -> Vec<(ChannelNo, UserNo, String)> {
        let told = self.events().into_iter().filter_map(|event| match event {
            Event::Ephemeral(channel, user, text) => Some((channel, user, text)),
            _ => None,
        });
        told.collect()
    }

    /// Items that the last step counted as refused, by reason.
    pub fn refused(&self) -> Vec<(String, u32)> {
        let refused = self.effects.iter().filter_map(|effect| match effect {
            Effect::Refused { reason, items, .. } => Some((reason.clone(), *items)),
            _ => None,
        });
        refused.collect()
    }
}

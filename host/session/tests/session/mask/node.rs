//! A workspace whose steps are recorded, and the replay of these steps under a mask.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Event, Output, Reply, SendFile, Write};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::model::{Post, User};
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::testing::MemoryHost;
use causeway_kernel::rows::tx::Record;
use causeway_kernel::step::step;
use causeway_session::mask::Mask;

/// A host that answers the kernel's questions and records the verdicts.
struct Judged<'a, J> {
    rows: &'a MemoryHost,
    judge: RefCell<J>,
    said: RefCell<Vec<Verdict>>,
}

impl<J> Rows for Judged<'_, J> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.rows.get_many(table, keys)
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.rows.scan(table, range)
    }
}

impl<J: FnMut(&Question<'_>) -> Verdict> Host for Judged<'_, J> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let mut judge = self.judge.borrow_mut();
        let verdicts: Vec<Verdict> = questions
            .iter()
            .map(|question| (*judge)(question))
            .collect();
        self.said.borrow_mut().extend(verdicts.clone());
        verdicts
    }

    fn log(&self, _: LogLevel, _: String) {}
}

/// A recorded step.
pub struct Taken {
    pub now_ms: i64,
    pub seed: [u8; 16],
    pub input: Input,
    pub verdicts: Vec<Verdict>,
    pub output: Output,
}

/// A workspace.
pub struct Node {
    pub rows: MemoryHost,
    pub taken: Vec<Taken>,
    salt: u8,
}

impl Node {
    pub fn new(salt: u8) -> Node {
        Node {
            rows: MemoryHost::new(),
            taken: Vec::new(),
            salt,
        }
    }

    pub fn run(
        &mut self,
        now_ms: i64,
        input: Input,
        judge: impl FnMut(&Question<'_>) -> Verdict,
    ) -> Output {
        let mut seed = [self.salt; 16];
        seed[..8].copy_from_slice(&(self.taken.len() as u64).to_be_bytes());
        let (output, verdicts) = carry_out(&mut self.rows, (now_ms, seed), &input, judge);
        self.taken.push(Taken {
            now_ms,
            seed,
            input,
            verdicts,
            output: output.clone(),
        });
        output
    }
}

/// Carries out an input; returns the output and the verdicts.
pub fn carry_out(
    rows: &mut MemoryHost,
    (now_ms, seed): (i64, [u8; 16]),
    input: &Input,
    judge: impl FnMut(&Question<'_>) -> Verdict,
) -> (Output, Vec<Verdict>) {
    let host = Judged {
        rows,
        judge: RefCell::new(judge),
        said: RefCell::new(Vec::new()),
    };
    let output = step(&host, StepContext { now_ms, seed }, input);
    let said = host.said.into_inner();
    rows.apply(&output.writes);
    (output, said)
}

/// The tables before step `first`.
pub fn tables_before(taken: &[Taken], first: usize) -> MemoryHost {
    let mut rows = MemoryHost::new();
    for step in &taken[..first] {
        rows.apply(&step.output.writes);
    }
    rows
}

pub fn masked_tables(mask: &Mask, rows: &MemoryHost) -> MemoryHost {
    let mut masked = MemoryHost::new();
    for (table, key, value) in rows.tables.all() {
        let (key, value) = mask.row(table, key, value).unwrap();
        assert!(masked.tables.set(table, &key, Some(value)).is_none());
    }
    masked
}

/// Runs the steps from `first` on under a mask: each must decide as the original did.
pub fn replay_masked(mask: &Mask, taken: &[Taken], first: usize) {
    let mut plain = tables_before(taken, first);
    let mut masked = masked_tables(mask, &plain);
    for (number, step) in taken.iter().enumerate().skip(first) {
        let at = format!("step {number} from {first}: {:?}", step.input);
        let input = mask.input(&step.input);
        let masked_verdicts = step.verdicts.iter().map(|verdict| mask.verdict(verdict));
        let mut verdicts: VecDeque<Verdict> = masked_verdicts.collect();
        let judge = |_: &Question<'_>| verdicts.pop_front().unwrap();
        let (output, _) = carry_out(&mut masked, (step.now_ms, step.seed), &input, judge);
        assert!(verdicts.is_empty(), "{at}: fewer questions");
        assert_eq!(reply(&output.reply), reply(&step.output.reply), "{at}");
        assert_eq!(effects(&output), effects(&step.output), "{at}");
        let expected = expected_writes(mask, &plain, &step.output.writes);
        let are: BTreeMap<_, _> = output
            .writes
            .iter()
            .map(|write| (place(write.table, &write.key), length(write)))
            .collect();
        assert_eq!(are, expected, "{at}");
        for write in &step.output.writes {
            assert_same_row(mask, &masked, write, &at);
        }
        plain.apply(&step.output.writes);
    }
}

/// A row written by a masked step must contain the stand-ins of the original row, except for the
/// kernel's own words, which are not masked.
fn assert_same_row(mask: &Mask, masked: &MemoryHost, write: &Write, at: &str) {
    let Some(value) = &write.value else { return };
    let (key, value) = mask.row(write.table, &write.key, value).unwrap();
    let own_words = match write.table {
        Table::Channels | Table::Exceptions | Table::Held | Table::Quarantine => true,
        Table::Posts => is_system(&Post::from_bytes(&value).unwrap().kind),
        Table::Users => User::from_bytes(&value).unwrap().username.contains("..."),
        table => place(table, &key).1 != key,
    };
    if !own_words {
        let is = masked.tables.value(write.table, &key);
        assert_eq!(is, Some(&value), "{at}: {:?} {:?}", write.table, write.key);
    }
}

type Lengths = BTreeMap<(Table, Vec<u8>), Option<usize>>;

/// Table and key of a row. Of a name that the suffix rule shortened, only the length: a word that
/// was cut has another stand-in than the whole word.
fn place(table: Table, key: &[u8]) -> (Table, Vec<u8>) {
    let is_cut = table == Table::Names && key.windows(3).any(|part| part == b"...");
    let key = if is_cut {
        vec![b'.'; key.len()]
    } else {
        key.to_vec()
    };
    (table, key)
}

fn length(write: &Write) -> Option<usize> {
    write.value.as_ref().map(Vec::len)
}

/// Masked keys of writes, and the lengths of their values.
fn expected_writes(mask: &Mask, before: &MemoryHost, writes: &[Write]) -> Lengths {
    let mut lengths = Lengths::new();
    for write in writes {
        let old = before.tables.value(write.table, &write.key);
        // Without a value the key cannot be masked: the row was created and deleted in one step.
        let key = match write.value.as_ref().or(old) {
            Some(value) => mask.row(write.table, &write.key, value).unwrap().0,
            None => write.key.clone(),
        };
        lengths.insert(place(write.table, &key), length(write));
    }
    lengths
}

fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Http { status, body } => format!("HTTP {status}, {} bytes", body.len()),
        Reply::Refused(refusal) => format!("refused {} {}", refusal.status, refusal.id),
        Reply::Text(text) => format!("{} bytes of text", text.len()),
        other => format!("{other:?}"),
    }
}

fn effects(output: &Output) -> Vec<String> {
    let outline = |effect: &Effect| match effect {
        Effect::Send {
            connection,
            attempt,
            frame,
        } => format!("{connection:?} {attempt} {} bytes", frame.len()),
        Effect::SendFile(file) => {
            let digest = "x".repeat(file.digest.len());
            format!(
                "{:?}",
                SendFile {
                    digest,
                    ..file.clone()
                }
            )
        }
        Effect::SendPicture(picture) => {
            let digest = "x".repeat(picture.digest.len());
            let user = format!("{}", picture.user).len();
            format!(
                "{} {} {digest} {user} {}",
                picture.connection.0, picture.attempt, picture.size
            )
        }
        Effect::Event(Event::Ephemeral(channel, user, text)) => {
            format!("{channel:?} {user:?} {} bytes", text.len())
        }
        Effect::Event(Event::PersonalSet(user, kind, names)) => {
            format!("{user:?} sets {} of {kind:?}", names.len())
        }
        Effect::Event(Event::PersonalDeleted(user, kind, names)) => {
            format!("{user:?} deletes {} of {kind:?}", names.len())
        }
        other => format!("{other:?}"),
    };
    output.effects.iter().map(outline).collect()
}

//! One export at work: both worlds side by side, and the file that grows.

use std::collections::BTreeSet;
use std::io;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::model::{Connection, IdRow, User, kind};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::sharing::connection;

use super::host::ReadRows;
use super::run::{World, mask_rows};
use super::{ExportError, ExportOptions, Exported, header, needed};
use crate::file::Writer;
use crate::file::chain::{Chain, outcome};
use crate::file::format::{End, Frame, Step, Summary};
use crate::look::subjects::{Subjects, Wanted, channel_ids};
use causeway_engine::DataDirReplay;
use causeway_engine::Kernels;
use causeway_engine::MemoryRows;
use causeway_engine::journal::{self, Digest};
use causeway_engine::runtime::{StepEnd, StepOutput};

/// Bytes of rows in one frame.
const ROWS_BYTES: usize = 200 << 10;

/// An export at work.
pub struct Session<'o, W> {
    options: &'o ExportOptions,
    out: Writer<W>,
    pub(super) kernels: Kernels,
    written_kernels: BTreeSet<Digest>,
    /// As it was.
    pub(super) real: World,
    /// Masked, if the session is.
    pub(super) masked: Option<World>,
    /// The rows that a session of a part has so far; none in a whole one.
    known: Option<MemoryRows>,
    wanted: Wanted,
    /// Steps that are about what is selected.
    matching: u64,
    chain: Chain,
    summary: Summary,
    subjects: Subjects,
}

impl<'o, W: io::Write> Session<'o, W> {
    /// Begins with the rows as they stand.
    ///
    /// # Errors
    /// When they cannot be read, masked or written.
    pub fn begin(
        source: &DataDirReplay,
        options: &'o ExportOptions,
        first: &journal::Recorded,
        out: W,
    ) -> Result<Session<'o, W>, ExportError> {
        let real = source.rows()?;
        let masked = options.mask.as_ref().map(|mask| mask_rows(mask, &real));
        let masked = masked.transpose()?;
        let shown = masked.as_ref().unwrap_or(&real);
        let is_partial = options.selection.is_partial();
        let header = header::header(source.position(), options, shown, first);
        let mut session = Session {
            options,
            out: Writer::new(out, &header)?,
            kernels: source.kernels(),
            written_kernels: BTreeSet::new(),
            known: is_partial.then(MemoryRows::default),
            wanted: Wanted::default(),
            matching: 0,
            chain: Chain::default(),
            summary: Summary::default(),
            subjects: Subjects::default(),
            masked: None,
            real: World::default(),
        };
        if !is_partial {
            session.write_rows(shown.all())?;
        }
        session.masked = masked.map(World::new);
        session.real = World::new(real);
        session.look_for_wanted();
        Ok(session)
    }

    /// Finds the numbers of what is selected among the rows at the start.
    fn look_for_wanted(&mut self) {
        let rows = &self.real.rows;
        let selection = &self.options.selection;
        if let Some(id) = &selection.connection {
            // Also one that was removed, whose id leads nowhere any more.
            let all = connection::all(rows);
            let found = all
                .into_iter()
                .find(|(_, row)| row.remote_id.as_str() == id);
            self.wanted.connection = found.map(|(no, _)| no);
        }
        if let Some(id) = &selection.channel {
            self.wanted.channel = Some((lookup::channel(rows, id), id.clone()));
        }
    }

    /// Finds them among the rows that a step makes.
    fn look_among(&mut self, writes: &[Write]) {
        for write in writes.iter().filter(|write| write.table == Table::Ids) {
            let key = key::decode::<(u8, Id)>(&write.key);
            let number = write.value.as_deref().and_then(IdRow::from_bytes);
            let (Some((of, id)), Some(IdRow(number))) = (key, number) else {
                continue;
            };
            let is_it = |wanted: &Option<String>| wanted.as_deref() == Some(id.as_str());
            if of == kind::CONNECTION && is_it(&self.options.selection.connection) {
                self.wanted.connection = Some(ConnectionNo(number));
            }
            if let (kind::CHANNEL, Some(channel)) = (of, &mut self.wanted.channel)
                && channel.1 == id.as_str()
            {
                channel.0 = Some(ChannelNo(number));
            }
        }
    }

    /// Whether a step goes into the file.
    fn is_wanted(&mut self, input: Option<&Input>, encoded: &[u8], subjects: &Subjects) -> bool {
        if self.known.is_none() {
            return true;
        }
        // What is selected and not known yet is in no step.
        let is_known =
            self.options.selection.connection.is_none() || self.wanted.connection.is_some();
        let is_about = |input: &Input| self.wanted.has(input, encoded, subjects);
        if is_known && input.is_some_and(is_about) {
            self.matching += 1;
            return true;
        }
        // Without these it could not be told which policies and kernels ran.
        matches!(
            input,
            None | Some(
                Input::Genesis(_) | Input::PolicyChanged { .. } | Input::KernelChanged { .. }
            )
        )
    }

    fn write_rows<'r>(
        &mut self,
        rows: impl Iterator<Item = (Table, &'r [u8], &'r [u8])>,
    ) -> io::Result<()> {
        let mut portion = Vec::new();
        let mut bytes = 0;
        for (table, key, value) in rows {
            bytes += key.len() + value.len();
            portion.push(Write {
                table,
                key: key.to_vec(),
                value: Some(value.to_vec()),
            });
            if bytes >= ROWS_BYTES {
                self.out.frame(&Frame::Rows(std::mem::take(&mut portion)))?;
                bytes = 0;
            }
        }
        if portion.is_empty() {
            return Ok(());
        }
        self.out.frame(&Frame::Rows(portion))
    }

    /// Carries an entry out and writes it down, if it is wanted.
    ///
    /// # Errors
    /// When it gives something else than is recorded, or the file cannot be written.
    pub fn pass(&mut self, recorded: &journal::Recorded) -> Result<(), ExportError> {
        let input = codec::decode_input(&recorded.payload);
        let mut real = self.run_real(recorded)?;
        let seq = recorded.entry.seq;
        // A kernel that cannot read an input either stopped over it.
        let input = match (input, &real.end) {
            (Ok(input), _) => Some(input),
            (Err(_), StepEnd::Stopped { .. }) => None,
            (Err(why), StepEnd::Done(_)) => return Err(ExportError::Input { seq, why }),
        };
        let nothing = StepOutput::default();
        let output = match &real.end {
            StepEnd::Done(output) => output,
            StepEnd::Stopped { .. } => &nothing,
        };
        self.look_among(&output.writes);
        let subjects = input
            .as_ref()
            .map(|input| Subjects::of(input, output, &self.real.rows))
            .unwrap_or_default();
        let is_wanted = self.is_wanted(input.as_ref(), &recorded.payload, &subjects);
        let (step, reads) = match &self.options.mask {
            None => (
                Step::of(&recorded.entry, recorded.payload.clone(), real.end.clone()),
                std::mem::take(&mut real.reads),
            ),
            Some(mask) => self.run_masked(mask, recorded, input.as_ref(), &real)?,
        };
        if is_wanted {
            self.bring_rows(&step, &reads)?;
            self.count(&step, &subjects);
        } else {
            self.summary.left_out += 1;
        }
        self.real.rows.apply(&output.writes);
        if let (Some(world), StepEnd::Done(output)) = (&mut self.masked, &step.end) {
            world.rows.apply(&output.writes);
        }
        if is_wanted {
            self.write_kernel(&step)?;
            self.out.frame(&Frame::Step(Box::new(step)))?;
        }
        Ok(())
    }

    /// In a session of a part: the rows that the step has read and that the file does not have.
    fn bring_rows(&mut self, step: &Step, reads: &[ReadRows]) -> io::Result<()> {
        let Some(known) = &mut self.known else {
            return Ok(());
        };
        let rows = self.masked.as_ref().unwrap_or(&self.real);
        let missing = needed::missing(known, &rows.rows, reads);
        known.apply(&missing);
        if let StepEnd::Done(output) = &step.end {
            known.apply(&output.writes);
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.out.frame(&Frame::Rows(missing))
    }

    fn count(&mut self, step: &Step, subjects: &Subjects) {
        self.chain.add(step.seq, &outcome(&step.end));
        self.subjects.merge(subjects);
        self.summary.add(step);
    }

    /// Writes a kernel down before the first step that names it.
    fn write_kernel(&mut self, step: &Step) -> Result<(), ExportError> {
        if !self.written_kernels.insert(step.kernel) {
            return Ok(());
        }
        let component = self.kernels.component(step.kernel);
        let component = component.map_err(|error| ExportError::Kernel {
            seq: step.seq,
            digest: step.kernel,
            error,
        })?;
        if let Some(component) = component {
            self.out.frame(&Frame::Kernel {
                digest: step.kernel,
                component,
            })?;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When there is no step in it, or it cannot be written.
    pub fn finish(mut self) -> Result<(W, Exported), ExportError> {
        if self.known.is_some() && self.matching == 0 {
            let selection = &self.options.selection;
            let ids = [
                ("channel", &selection.channel),
                ("connection", &selection.connection),
            ];
            let named = ids
                .into_iter()
                .filter_map(|(what, id)| Some(format!("{what} {}", id.as_ref()?)));
            return Err(ExportError::Nothing(
                named.collect::<Vec<_>>().join(" and "),
            ));
        }
        let shown = self.masked.as_ref().unwrap_or(&self.real);
        let rows = self.known.is_none().then(|| shown.rows.digest());
        let outcomes = self.chain.digest();
        self.out.frame(&Frame::End(End { outcomes, rows }))?;
        let exported = self.exported(outcomes);
        let out = self.out.finish(exported.summary.clone())?;
        Ok((out, exported))
    }

    /// Whose data went into the file.
    fn exported(&self, outcomes: Digest) -> Exported {
        let rows = &self.real.rows;
        let users: Vec<String> = match &self.known {
            Some(known) => ids_of_users(known),
            None => ids_of_users(rows),
        };
        let channels = channel_ids(rows, &self.subjects.channels);
        let connections = self.subjects.connections.iter();
        let connections: Vec<String> = connections
            .filter_map(|no| rows.get::<Connection>(no))
            .map(|row| row.remote_id.to_string())
            .collect();
        let mut summary = self.summary.clone();
        summary.users = users.len() as u64;
        summary.channels = channels.len() as u64;
        summary.connections = connections.len() as u64;
        Exported {
            summary,
            outcomes,
            users,
            channels,
            connections,
        }
    }
}

fn ids_of_users(rows: &MemoryRows) -> Vec<String> {
    let all = rows.all().filter(|(table, _, _)| *table == Table::Users);
    all.filter_map(|(_, _, value)| Some(User::from_bytes(value)?.id.to_string()))
        .collect()
}

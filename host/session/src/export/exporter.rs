//! A running export: the real and the masked workspace side by side, and the file being written.

use std::collections::BTreeSet;
use std::io;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::model::{Channel, Connection, IdRow, User, kind};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::sharing::connection;

use super::host::ReadRows;
use super::run::{Masked, Runner, mask_rows};
use super::{ExportError, ExportOptions, Exported, IDS_MAX, header, needed};
use crate::file::Writer;
use crate::file::chain::{OutcomeChain, outcome};
use crate::file::format::{End, Piece, Step, Summary};
use crate::look::subjects::{Subjects, Wanted};
use crate::mask::Mask;
use causeway_engine::journal::{self, Digest};
use causeway_engine::runtime::{StepEnd, StepOutput};
use causeway_engine::{DataDirReplay, Kernels, ScratchRows};

/// Bytes of rows in one piece.
const ROWS_BYTES: usize = 200 << 10;

/// A running export.
pub struct Exporter<'s, W> {
    /// The real workspace.
    pub(super) source: &'s mut DataDirReplay,
    options: &'s ExportOptions,
    out: Writer<W>,
    pub(super) kernels: Kernels,
    written_kernels: BTreeSet<Digest>,
    pub(super) real: Runner,
    /// The masked workspace, if the session is masked.
    pub(super) masked: Option<Masked>,
    /// The rows that a partial session contains so far; `None` in a complete one.
    known: Option<ScratchRows>,
    wanted: Wanted,
    /// Number of steps that concern the selection.
    matching: u64,
    chain: OutcomeChain,
    summary: Summary,
    /// Channels whose posts the file contains.
    channels: BTreeSet<ChannelNo>,
    /// Connections whose frames the file contains.
    connections: BTreeSet<ConnectionNo>,
}

impl<'s, W: io::Write> Exporter<'s, W> {
    /// Starts with the current rows.
    ///
    /// # Errors
    /// If they cannot be read, masked or written.
    pub fn begin(
        source: &'s mut DataDirReplay,
        options: &'s ExportOptions,
        first: &journal::Recorded,
        out: W,
    ) -> Result<Exporter<'s, W>, ExportError> {
        let masked = match &options.mask {
            Some(mask) => Some(masked(source, mask)?),
            None => None,
        };
        let shown = masked.as_ref().map_or(source.rows(), |it| &it.rows);
        let is_partial = options.selection.is_partial();
        let digest = if is_partial {
            None
        } else {
            Some(shown.digest()?)
        };
        let known = if is_partial {
            Some(source.other_rows("known.redb")?)
        } else {
            None
        };
        let rows = shown.read();
        let header = header::header(source.position(), options, &rows, digest, first);
        rows.finish()?;
        let mut session = Exporter {
            out: Writer::new(out, &header)?,
            kernels: source.kernels(),
            written_kernels: BTreeSet::new(),
            real: Runner::default(),
            masked,
            known,
            wanted: Wanted::default(),
            matching: 0,
            chain: OutcomeChain::default(),
            summary: Summary::default(),
            channels: BTreeSet::new(),
            connections: BTreeSet::new(),
            source,
            options,
        };
        if !is_partial {
            session.write_rows()?;
        }
        session.look_for_wanted()?;
        Ok(session)
    }

    /// The next entry of the data directory.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn next_entry(&mut self) -> Result<Option<journal::Recorded>, ExportError> {
        Ok(self.source.next_entry()?)
    }

    /// The rows of the exported workspace, masked if the session is.
    fn shown(&self) -> &ScratchRows {
        self.masked
            .as_ref()
            .map_or(self.source.rows(), |it| &it.rows)
    }

    /// Looks up the numbers of the selected objects in the rows at the start.
    fn look_for_wanted(&mut self) -> Result<(), ExportError> {
        let rows = self.source.rows().read();
        let selection = &self.options.selection;
        if let Some(id) = &selection.connection {
            // Includes removed connections, whose ids are no longer indexed.
            let all = connection::all(&rows);
            let found = all
                .into_iter()
                .find(|(_, row)| row.remote_id.as_str() == id);
            self.wanted.connection = found.map(|(no, _)| no);
        }
        if let Some(id) = &selection.channel {
            self.wanted.channel = Some((lookup::channel(&rows, id), id.clone()));
        }
        Ok(rows.finish()?)
    }

    /// Looks them up in the rows that a step creates.
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
        // No step concerns a selected object that does not exist yet.
        let is_known =
            self.options.selection.connection.is_none() || self.wanted.connection.is_some();
        let is_about = |input: &Input| self.wanted.has(input, encoded, subjects);
        if is_known && input.is_some_and(is_about) {
            self.matching += 1;
            return true;
        }
        // Without these, the policies and kernels in force would be unknown.
        matches!(
            input,
            None | Some(
                Input::Genesis(_) | Input::PolicyChanged { .. } | Input::KernelChanged { .. }
            )
        )
    }

    /// Writes all current rows.
    fn write_rows(&mut self) -> Result<(), ExportError> {
        let Exporter {
            out,
            source,
            masked,
            ..
        } = self;
        let rows = masked.as_ref().map_or(source.rows(), |it| &it.rows);
        let mut portion = Vec::new();
        let mut bytes = 0;
        rows.each::<ExportError>(|table, key, value| {
            bytes += key.len() + value.len();
            let (key, value) = (key.to_vec(), Some(value.to_vec()));
            portion.push(Write { table, key, value });
            if bytes >= ROWS_BYTES {
                out.piece(&Piece::Rows(std::mem::take(&mut portion)))?;
                bytes = 0;
            }
            Ok(())
        })?;
        if !portion.is_empty() {
            out.piece(&Piece::Rows(portion))?;
        }
        Ok(())
    }

    /// Carries out an entry, and writes it if it is wanted.
    ///
    /// # Errors
    /// If the result differs from the recording, or the file cannot be written.
    pub fn pass(&mut self, recorded: &journal::Recorded) -> Result<(), ExportError> {
        let input = codec::decode_input(&recorded.payload);
        let real = self.run_real(recorded)?;
        let seq = recorded.entry.seq;
        // If the kernel could not read the input either, the step was stopped.
        let input = match (input, &real.end) {
            (Ok(input), _) => Some(input),
            (Err(_), StepEnd::Stopped { .. }) => None,
            (Err(why), StepEnd::Done(_)) => return Err(ExportError::Input { seq, why }),
        };
        let output = match &real.end {
            StepEnd::Done(output) => output.clone(),
            StepEnd::Stopped { .. } => StepOutput::default(),
        };
        self.look_among(&output.writes);
        let subjects = self.subjects(input.as_ref(), &output)?;
        let is_wanted = self.is_wanted(input.as_ref(), &recorded.payload, &subjects);
        let (step, reads) = match &self.options.mask {
            None => (
                Step::of(&recorded.entry, recorded.payload.clone(), real.end),
                real.reads,
            ),
            Some(mask) => self.run_masked(mask, recorded, input.as_ref(), &real)?,
        };
        if is_wanted {
            self.bring_rows(&step, &reads)?;
            self.count(&step, subjects);
        } else {
            self.summary.left_out += 1;
        }
        self.source.accept(recorded, output.writes)?;
        if let (Some(masked), StepEnd::Done(output)) = (&mut self.masked, &step.end) {
            masked.rows.apply(output.writes.clone())?;
        }
        if is_wanted {
            self.write_kernel(&step)?;
            self.out.piece(&Piece::Step(Box::new(step)))?;
        }
        Ok(())
    }

    fn subjects(
        &self,
        input: Option<&Input>,
        output: &StepOutput,
    ) -> Result<Subjects, ExportError> {
        let rows = self.source.rows().read();
        let subjects = input.map(|input| Subjects::of(input, output, &rows));
        rows.finish()?;
        Ok(subjects.unwrap_or_default())
    }

    /// In a partial session: writes the rows that the step has read and the file does not contain yet.
    fn bring_rows(&mut self, step: &Step, reads: &[ReadRows]) -> Result<(), ExportError> {
        let Some(known) = &self.known else {
            return Ok(());
        };
        let (before, rows) = (known.read(), self.shown().read());
        let missing = needed::missing(&before, &rows, reads);
        before.finish()?;
        rows.finish()?;
        if let Some(known) = &mut self.known {
            known.apply(missing.clone())?;
            if let StepEnd::Done(output) = &step.end {
                known.apply(output.writes.clone())?;
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Ok(self.out.piece(&Piece::Rows(missing))?)
    }

    fn count(&mut self, step: &Step, subjects: Subjects) {
        self.chain.add(step.seq, &outcome(&step.end));
        self.channels.extend(subjects.channels);
        self.connections.extend(subjects.connections);
        self.summary.add(step);
    }

    /// Writes a kernel before the first step that refers to it.
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
            self.out.piece(&Piece::Kernel {
                digest: step.kernel,
                component,
            })?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If it contains no steps, or cannot be written.
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
        let rows = match self.known {
            None => Some(self.shown().digest()?),
            Some(_) => None,
        };
        let outcomes = self.chain.digest();
        self.out.piece(&Piece::End(End { outcomes, rows }))?;
        let exported = self.exported(outcomes)?;
        let out = self.out.finish(exported.summary.clone())?;
        Ok((out, exported))
    }

    /// Whose data the file contains.
    fn exported(&self, outcomes: Digest) -> Result<Exported, ExportError> {
        let mut summary = self.summary.clone();
        let mut users = Vec::new();
        let all = self.known.as_ref().unwrap_or(self.source.rows());
        all.each_of::<ExportError>(Table::Users, |_, value| {
            let Some(user) = User::from_bytes(value) else {
                return Ok(());
            };
            summary.users += 1;
            if users.len() < IDS_MAX {
                users.push(user.id.to_string());
            }
            Ok(())
        })?;
        let rows = self.source.rows().read();
        let channels = self.channels.iter().take(IDS_MAX);
        let channels = channels.filter_map(|no| rows.get::<Channel>(no));
        let channels = channels.map(|row| row.id.to_string()).collect();
        let connections = self.connections.iter();
        let connections = connections.filter_map(|no| rows.get::<Connection>(no));
        let connections = connections.map(|row| row.remote_id.to_string()).collect();
        rows.finish()?;
        summary.channels = self.channels.len() as u64;
        summary.connections = self.connections.len() as u64;
        Ok(Exported {
            summary,
            outcomes,
            users,
            channels,
            connections,
        })
    }
}

/// The masked workspace, from the current rows.
fn masked(source: &DataDirReplay, mask: &Mask) -> Result<Masked, ExportError> {
    let mut rows = source.other_rows("masked.redb")?;
    mask_rows(mask, source.rows(), &mut rows)?;
    Ok(Masked {
        rows,
        runner: Runner::default(),
    })
}

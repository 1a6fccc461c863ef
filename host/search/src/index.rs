//! The index on disk: what is held of a post and of a file, and up to which step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use causeway_kernel::model::{File, Post, file_name};
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::id::{FileNo, PostNo};
use causeway_kernel::rows::tx::Read;
use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{
    DocSet, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TERMINATED,
    TantivyDocument, Term,
};

use crate::text::{folded, tokens};

/// Changes with what the index holds of an object; an index of another format is built again.
const FORMAT: u32 = 1;
/// Bytes of terms that the index gathers before it writes a part of its own accord; the least that is allowed.
const GATHERED_BYTES: usize = 15_000_000;
/// Name of the field by which results are ordered.
pub const AT: &str = "at";
/// Name of the field by which results are limited to channels.
pub const CHANNEL: &str = "channel";
const NUMBER: &str = "number";
const VERSION: &str = "version";

/// What a document of the index is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A post.
    Post(PostNo),
    /// A file.
    File(FileNo),
}

impl About {
    fn number(self) -> u64 {
        match self {
            About::Post(PostNo(number)) => number << 1,
            About::File(FileNo(number)) => (number << 1) | 1,
        }
    }

    fn of(number: u64) -> About {
        if number & 1 == 0 {
            About::Post(PostNo(number >> 1))
        } else {
            About::File(FileNo(number >> 1))
        }
    }
}

/// The fields of a document.
#[derive(Clone, Copy)]
pub struct Fields {
    number: Field,
    version: Field,
    at: Field,
    channel: Field,
    /// The author of a post, the uploader of a file.
    pub user: Field,
    /// The words of a post.
    pub words: Field,
    /// The hashtags of a post.
    pub tags: Field,
    /// The words of a file's name.
    pub name: Field,
    /// The extension of a file.
    pub extension: Field,
}

impl Fields {
    fn build() -> (Schema, Fields) {
        let mut builder = Schema::builder();
        let text = |record| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_fieldnorms(false)
                .set_index_option(record);
            TextOptions::default().set_indexing_options(indexing)
        };
        let words = || text(IndexRecordOption::WithFreqsAndPositions);
        let whole = || text(IndexRecordOption::Basic);
        let fast = || NumericOptions::default().set_fast();
        let indexed = || NumericOptions::default().set_indexed();
        let fields = Fields {
            number: builder.add_u64_field(NUMBER, indexed().set_fast()),
            version: builder.add_u64_field(VERSION, fast()),
            at: builder.add_i64_field(AT, fast()),
            channel: builder.add_u64_field(CHANNEL, fast()),
            user: builder.add_u64_field("user", indexed()),
            words: builder.add_text_field("words", words()),
            tags: builder.add_text_field("tags", whole()),
            name: builder.add_text_field("name", words()),
            extension: builder.add_text_field("extension", whole()),
        };
        (builder.build(), fields)
    }
}

/// A row as the index holds it.
pub struct Entry {
    about: About,
    at: i64,
    channel: u64,
    user: u64,
    text: String,
    tags: String,
    extension: String,
    /// Differs between two states of an object that are held differently.
    pub version: u64,
}

impl Entry {
    /// What is to be held of a post: nothing of a deleted one or a system message.
    pub fn of_post(no: PostNo, post: Post) -> Option<Entry> {
        if post.delete_at != 0 || is_system(&post.kind) {
            return None;
        }
        Some(
            Entry {
                about: About::Post(no),
                at: post.ordered_at,
                channel: post.channel.0,
                user: post.user.0,
                text: post.message,
                tags: post.hashtags,
                extension: String::new(),
                version: 0,
            }
            .with_version(),
        )
    }

    /// What is to be held of a file that a post has taken.
    pub fn of_file(no: FileNo, file: File) -> Entry {
        Entry {
            about: About::File(no),
            at: file.create_at,
            channel: file.channel.0,
            user: file.user.0,
            extension: file_name::extension(&file.name),
            text: file.name,
            tags: String::new(),
            version: 0,
        }
        .with_version()
    }

    /// What is to be held of an object as its row is now.
    pub fn read(rows: &(impl Read + ?Sized), about: About) -> Option<Entry> {
        match about {
            About::Post(no) => Entry::of_post(no, rows.get::<Post>(&no)?),
            About::File(no) => Some(Entry::of_file(no, rows.get::<File>(&no)?)),
        }
    }

    fn with_version(self) -> Entry {
        let mut hash = blake3::Hasher::new();
        for number in [self.channel, self.user] {
            hash.update(&number.to_le_bytes());
        }
        hash.update(&self.at.to_le_bytes());
        hash.update(self.tags.as_bytes());
        hash.update(b"\0");
        hash.update(self.text.as_bytes());
        let digest = hash.finalize();
        let first = digest.as_bytes().first_chunk::<8>();
        Entry {
            version: first.map_or(0, |bytes| u64::from_le_bytes(*bytes)),
            ..self
        }
    }

    fn document(&self, fields: &Fields) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(fields.number, self.about.number());
        document.add_u64(fields.version, self.version);
        document.add_i64(fields.at, self.at);
        document.add_u64(fields.channel, self.channel);
        document.add_u64(fields.user, self.user);
        match self.about {
            About::Post(_) => {
                document.add_pre_tokenized_text(fields.words, tokenized(&self.text));
                for tag in self.tags.split(' ').filter(|tag| !tag.is_empty()) {
                    document.add_text(fields.tags, folded(tag.trim_start_matches('#')));
                }
            }
            About::File(_) => {
                document.add_pre_tokenized_text(fields.name, tokenized(&self.text));
                document.add_text(fields.extension, folded(&self.extension));
            }
        }
        document
    }
}

fn tokenized(text: &str) -> PreTokenizedString {
    let token = |(position, text)| Token {
        position,
        text,
        ..Token::default()
    };
    PreTokenizedString {
        text: String::new(),
        tokens: tokens(text).into_iter().enumerate().map(token).collect(),
    }
}

/// The index, open for writing.
pub struct Writing {
    /// Its fields.
    pub fields: Fields,
    /// For those who search.
    pub reader: IndexReader,
    writer: IndexWriter,
    /// The step up to which it is complete; `None` while it is being built.
    pub current: Option<u64>,
    /// What the last commit says of that.
    marked: Option<u64>,
}

impl Writing {
    /// Opens the index of a folder, or begins a new one if it is missing, damaged or of another format.
    ///
    /// # Errors
    /// If none can be created.
    pub fn open(folder: &Path) -> tantivy::Result<Writing> {
        match Writing::open_existing(folder) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "the index of search is damaged; it is built again")
            }
        }
        Writing::create(folder)
    }

    /// Begins a new index, without what is there.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(folder: &Path) -> tantivy::Result<Writing> {
        forget(folder)?;
        fs::create_dir_all(folder)?;
        let (schema, fields) = Fields::build();
        let index = Index::builder()
            .schema(schema)
            .settings(IndexSettings::default())
            .create_in_dir(folder)?;
        Writing::of(&index, fields, None)
    }

    /// The index of a folder; `None` if there is none of this format.
    fn open_existing(folder: &Path) -> tantivy::Result<Option<Writing>> {
        let is_there = |name: &str| folder.join(name).is_file();
        if !is_there("meta.json") {
            return Ok(None);
        }
        let index = Index::open_in_dir(folder)?;
        let (schema, fields) = Fields::build();
        let payload = index.load_metas()?.payload.unwrap_or_default();
        let Some((FORMAT, current)) = parse_mark(&payload) else {
            return Ok(None);
        };
        if index.schema() != schema {
            return Ok(None);
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.iter().next() {
            let text = format!("{} is not as it was written", file.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text).into());
        }
        Writing::of(&index, fields, current).map(Some)
    }

    fn of(index: &Index, fields: Fields, current: Option<u64>) -> tantivy::Result<Writing> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Writing {
            fields,
            reader,
            writer: index.writer_with_num_threads(1, GATHERED_BYTES)?,
            current,
            marked: current,
        })
    }

    /// Brings what is held of an object up to its row, if it is held differently.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn refresh(
        &self,
        searcher: &Searcher,
        about: About,
        entry: Option<&Entry>,
    ) -> tantivy::Result<()> {
        let held = held_version(searcher, &self.fields, about)?;
        if held == entry.map(|entry| entry.version) {
            return Ok(());
        }
        if held.is_some() {
            let number = Term::from_field_u64(self.fields.number, about.number());
            self.writer.delete_term(number);
        }
        match entry {
            Some(entry) => self.add(entry),
            None => Ok(()),
        }
    }

    /// Adds an object that is not held yet.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn add(&self, entry: &Entry) -> tantivy::Result<()> {
        let document = entry.document(&self.fields);
        self.writer.add_document(document).map(|_| ())
    }

    /// Makes everything durable and visible to searches. `current` is the step up to which the index is
    /// complete, if it is.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn commit(&mut self, current: Option<u64>) -> tantivy::Result<()> {
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&mark(current));
        prepared.commit()?;
        self.reader.reload()?;
        (self.current, self.marked) = (current, current);
        Ok(())
    }

    /// Ends the work on the index in an orderly way.
    ///
    /// # Errors
    /// If a part of it failed.
    pub fn close(mut self) -> tantivy::Result<()> {
        if self.marked != self.current {
            self.commit(self.current)?;
        }
        self.writer.wait_merging_threads()
    }
}

/// Deletes the index of a folder.
pub fn forget(folder: &Path) -> io::Result<()> {
    let removed = if folder.is_dir() {
        fs::remove_dir_all(folder)
    } else {
        fs::remove_file(folder)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a commit says of itself.
fn mark(current: Option<u64>) -> String {
    match current {
        Some(seq) => format!("{FORMAT} {seq}"),
        None => format!("{FORMAT} -"),
    }
}

fn parse_mark(text: &str) -> Option<(u32, Option<u64>)> {
    let (format, seq) = text.split_once(' ')?;
    Some((format.parse().ok()?, seq.parse().ok()))
}

/// The version of an object that the index holds.
fn held_version(
    searcher: &Searcher,
    fields: &Fields,
    about: About,
) -> tantivy::Result<Option<u64>> {
    let term = Term::from_field_u64(fields.number, about.number());
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(fields.number)?;
        let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::Basic)? else {
            continue;
        };
        let alive = segment.alive_bitset();
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if alive.is_none_or(|alive| alive.is_alive(doc)) {
                return Ok(segment.fast_fields().u64(VERSION)?.first(doc));
            }
            doc = postings.advance();
        }
    }
    Ok(None)
}

/// Everything that the index holds, and the highest number of each kind, passed to `visit` in groups.
pub fn each_held<E: From<tantivy::TantivyError>>(
    searcher: &Searcher,
    group: usize,
    mut visit: impl FnMut(&[(About, u64)]) -> Result<(), E>,
) -> Result<(PostNo, FileNo), E> {
    let (mut posts, mut files) = (PostNo(0), FileNo(0));
    for segment in searcher.segment_readers() {
        let fast = segment.fast_fields();
        let (numbers, versions) = (fast.u64(NUMBER)?, fast.u64(VERSION)?);
        let mut found = Vec::with_capacity(group);
        for doc in segment.doc_ids_alive() {
            let Some((number, version)) = numbers.first(doc).zip(versions.first(doc)) else {
                continue;
            };
            let about = About::of(number);
            match about {
                About::Post(no) => posts = posts.max(no),
                About::File(no) => files = files.max(no),
            }
            found.push((about, version));
            if found.len() == group {
                visit(&found)?;
                found.clear();
            }
        }
        visit(&found)?;
    }
    Ok((posts, files))
}

/// What a found document is about, its time, and the version that was found.
pub fn found(
    searcher: &Searcher,
    address: tantivy::DocAddress,
) -> tantivy::Result<Option<(About, u64)>> {
    let fast = searcher.segment_reader(address.segment_ord).fast_fields();
    let number = fast.u64(NUMBER)?.first(address.doc_id);
    let version = fast.u64(VERSION)?.first(address.doc_id);
    Ok(number.map(About::of).zip(version))
}

/// The folder of the index in a data directory.
pub fn folder(data: &Path) -> PathBuf {
    data.join("search")
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::rows::id::{ChannelNo, UserNo};

    fn entry(number: u64, text: &str) -> Entry {
        Entry {
            about: About::Post(PostNo(number)),
            at: 1,
            channel: ChannelNo(1).0,
            user: UserNo(1).0,
            text: text.to_string(),
            tags: String::new(),
            extension: String::new(),
            version: 0,
        }
        .with_version()
    }

    #[test]
    fn an_index_of_another_format_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("search");
        let mut index = Writing::open(&folder).unwrap();
        index.add(&entry(1, "anchor")).unwrap();
        index.commit(Some(5)).unwrap();
        index.close().unwrap();
        let index = Writing::open(&folder).unwrap();
        let held = |index: &Writing| index.reader.searcher().num_docs();
        assert_eq!((index.current, held(&index)), (Some(5), 1));
        drop(index);
        let description = folder.join("meta.json");
        let text = fs::read_to_string(&description).unwrap();
        let other = text.replace(&mark(Some(5)), &format!("{} 5", FORMAT + 1));
        assert_ne!(text, other);
        fs::write(description, other).unwrap();
        let index = Writing::open(&folder).unwrap();
        assert_eq!((index.current, held(&index)), (None, 0));
    }

    #[test]
    fn an_object_is_held_once_and_as_it_was_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Writing::open(&folder.path().join("search")).unwrap();
        for (seq, text) in [(1, "anchor"), (2, "anchor"), (3, "rope")] {
            let searcher = index.reader.searcher();
            let entry = entry(1, text);
            index.refresh(&searcher, entry.about, Some(&entry)).unwrap();
            index.commit(Some(seq)).unwrap();
            let searcher = index.reader.searcher();
            let held = held_version(&searcher, &index.fields, entry.about).unwrap();
            assert_eq!((held, searcher.num_docs()), (Some(entry.version), 1));
        }
        let searcher = index.reader.searcher();
        index
            .refresh(&searcher, About::Post(PostNo(1)), None)
            .unwrap();
        index.commit(Some(4)).unwrap();
        assert_eq!(index.reader.searcher().num_docs(), 0);
    }
}

//! Adding files, giving them to posts, and removing them.
//!
//! A file belongs to its uploader until a post takes it, and is removed with that post; one that no post takes
//! is removed after a while. The host keeps the bytes of every digest that has a row of [`FileBytes`]; those of
//! profile pictures are counted there too.
//!
//! A file of a peer may be expected: a post names it, and its bytes come later.

use crate::boundary::env::Range;
use crate::boundary::output::Effect;
use crate::model::limits::{
    UNPOSTED_FILE_LIFE_MS, UNPOSTED_FILE_STEP_MS, UNPOSTED_FILES_MAX, UNPOSTED_FILES_PER_STEP_MAX,
};
use crate::model::{
    ChannelFiles, Due, DueKind, File, FileBytes, Post, UnpostedCount, UnpostedFile, UnpostedOfPeer,
    kind,
};
use crate::objects::posts;
use crate::outbound;
use crate::rows::id::{ChannelNo, FileNo, PostNo, UserNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::wire::message::WireFile;

/// Number of the due rows that drop unposted files; never returned by [`Tx::next_row`].
const DUE_NUMBER: u64 = 1 << 62;

/// Whether a user may have one more unposted file.
pub fn has_room(tx: &Tx<'_>, user: UserNo) -> bool {
    tx.get::<UnpostedCount>(&user).unwrap_or_default().files < UNPOSTED_FILES_MAX
}

/// Stores a file that no post has taken yet.
pub fn insert(tx: &mut Tx<'_>, file: &File) -> FileNo {
    let no = register(tx, file);
    hold_bytes(tx, &file.digest);
    change_count(tx, file, |files| files.saturating_add(1));
    let until_ms = until_ms(file);
    tx.put(&(until_ms, no), &UnpostedFile);
    schedule(tx, until_ms);
    no
}

/// Stores a file that a peer's post names and whose bytes are not here yet.
pub fn expect(tx: &mut Tx<'_>, file: &File) -> FileNo {
    register(tx, file)
}

fn register(tx: &mut Tx<'_>, file: &File) -> FileNo {
    let no = tx.next_file();
    tx.put(&no, file);
    tx.bind_id(kind::FILE, file.id, no.0);
    no
}

/// One more object has these bytes.
pub fn hold_bytes(tx: &mut Tx<'_>, digest: &String) {
    let bytes = tx.get::<FileBytes>(digest);
    let files = bytes.map_or(0, |bytes| bytes.files).saturating_add(1);
    tx.put(digest, &FileBytes { files });
}

/// An object that had these bytes is gone. They are no longer needed once no other has them.
pub fn release_bytes(tx: &mut Tx<'_>, digest: &String) {
    let bytes = tx.get::<FileBytes>(digest);
    match bytes.map_or(0, |bytes| bytes.files.saturating_sub(1)) {
        0 => tx.delete::<FileBytes>(digest),
        files => tx.put(digest, &FileBytes { files }),
    }
}

/// The bytes of an expected file are here: readers of its post see it from now on, and so do other peers.
pub fn arrive(tx: &mut Tx<'_>, no: FileNo, expected: File, arrived: &File) {
    let File {
        size,
        digest,
        dimensions,
        ..
    } = arrived.clone();
    let file = File {
        size,
        digest,
        dimensions,
        ..expected
    };
    hold_bytes(tx, &file.digest);
    tx.put(&no, &file);
    change_total(tx, file.channel, |files| files.saturating_add(1));
    let post = file.post.and_then(|no| Some((no, tx.get::<Post>(&no)?)));
    if let Some((post_no, post)) = post {
        posts::update(tx, post_no, post);
    }
}

/// Those of the named files that a user may put into a post of a channel, each once.
pub fn unposted(tx: &Tx<'_>, user: UserNo, channel: ChannelNo, named: &[FileNo]) -> Vec<FileNo> {
    let mut found = Vec::new();
    for no in named {
        let fits = |file: File| file.user == user && file.channel == channel && file.post.is_none();
        if tx.get::<File>(no).is_some_and(fits) && !found.contains(no) {
            found.push(*no);
        }
    }
    found
}

/// Gives a new post its files.
pub fn posted(tx: &mut Tx<'_>, post_no: PostNo, post: &Post) {
    for no in &post.files {
        join(tx, *no, post_no);
    }
}

/// Gives a post a file, unless it has it already.
pub fn join(tx: &mut Tx<'_>, no: FileNo, post_no: PostNo) {
    let Some(mut file) = tx.get::<File>(&no).filter(|file| file.post.is_none()) else {
        return;
    };
    if file.is_here() {
        forget_unposted(tx, no, &file);
        change_total(tx, file.channel, |files| files.saturating_add(1));
    }
    file.post = Some(post_no);
    tx.put(&no, &file);
}

/// Removes a file.
pub fn remove(tx: &mut Tx<'_>, no: FileNo) {
    let Some(file) = tx.get::<File>(&no) else {
        return;
    };
    outbound::files::forget(tx, no, file.channel);
    tx.delete::<File>(&no);
    tx.unbind_id(kind::FILE, file.id);
    if !file.is_here() {
        return;
    }
    match file.post {
        Some(_) => change_total(tx, file.channel, |files| files.saturating_sub(1)),
        None => forget_unposted(tx, no, &file),
    }
    release_bytes(tx, &file.digest);
}

/// Removes files that no post took in time, at most [`UNPOSTED_FILES_PER_STEP_MAX`]; reschedules itself if
/// more are left. Called when [`DueKind::UnpostedFiles`] is due.
pub fn expire(tx: &mut Tx<'_>) {
    let now_ms = tx.now_ms();
    let rows = tx.rows::<UnpostedFile>(&Range {
        from: Vec::new(),
        to: key::encode(&now_ms.saturating_add(1)),
        reverse: false,
        rows_max: UNPOSTED_FILES_PER_STEP_MAX,
        bytes_max: SCAN_BYTES_MAX,
    });
    let full = rows.len() >= UNPOSTED_FILES_PER_STEP_MAX as usize;
    for ((_, no), _) in rows {
        remove(tx, no);
    }
    if full {
        schedule(tx, now_ms);
    }
}

/// When an unposted file is dropped, in ms. Rounded up, so that one due row serves many.
fn until_ms(file: &File) -> i64 {
    let latest = file.create_at.saturating_add(UNPOSTED_FILE_LIFE_MS);
    latest
        .saturating_add(UNPOSTED_FILE_STEP_MS)
        .saturating_sub(latest.rem_euclid(UNPOSTED_FILE_STEP_MS))
}

fn schedule(tx: &mut Tx<'_>, at_ms: i64) {
    let due = (at_ms, DUE_NUMBER);
    if !tx.has::<Due>(&due) {
        let kind = DueKind::UnpostedFiles;
        tx.put(&due, &Due { kind });
        tx.effect(Effect::Wake { at_ms });
    }
}

fn forget_unposted(tx: &mut Tx<'_>, no: FileNo, file: &File) {
    tx.delete::<UnpostedFile>(&(until_ms(file), no));
    change_count(tx, file, |files| files.saturating_sub(1));
}

/// Changes the number of unposted files: of a local user, or of a peer.
fn change_count(tx: &mut Tx<'_>, file: &File, change: impl FnOnce(u32) -> u32) {
    if !file.origin.is_ours() {
        let count = tx.get::<UnpostedOfPeer>(&file.origin).unwrap_or_default();
        return match change(count.files) {
            0 => tx.delete::<UnpostedOfPeer>(&file.origin),
            files => tx.put(&file.origin, &UnpostedOfPeer { files }),
        };
    }
    let user = file.user;
    let count = tx.get::<UnpostedCount>(&user).unwrap_or_default();
    match change(count.files) {
        0 => tx.delete::<UnpostedCount>(&user),
        files => tx.put(&user, &UnpostedCount { files }),
    }
}

fn change_total(tx: &mut Tx<'_>, channel: ChannelNo, change: impl FnOnce(u64) -> u64) {
    let total = tx.get::<ChannelFiles>(&channel).unwrap_or_default();
    let files = change(total.files);
    tx.put(&channel, &ChannelFiles { files });
}

/// What peers are told of a file.
pub fn described(rows: &(impl Read + ?Sized), file: &File) -> WireFile {
    let user = rows.user(file.user).map(|user| user.id);
    WireFile {
        id: file.id.into(),
        user_id: user.map(String::from).unwrap_or_default(),
        create_at: file.create_at,
        name: file.name.clone(),
        size: file.size,
        dimensions: file.dimensions.map_or((0, 0), |it| (it.width, it.height)),
    }
}

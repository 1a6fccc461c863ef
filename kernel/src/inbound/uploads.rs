//! Files of peers. A file is announced by a message (an upload session, protocol §6.5), then its bytes come in
//! one or more requests, which the host takes; here it is decided what it means (§5.6). The post that names the
//! file may come before or after it.

use super::authorize::{self, Closed, Peer};
use super::{Reason, Tally, fail, held, refuse};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::input::UploadProgress;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::policy::Direction;
use crate::gate::{self, Candidate, Crossing, FileCandidate, Judgement};
use crate::model::limits::{FILE_NAME_CHARS_MAX, UNPOSTED_FILES_OF_PEER_MAX, UPLOADS_OF_PEER_MAX};
use crate::model::{File, PeerKind, Post, UnpostedOfPeer, Upload, file_name, reasons};
use crate::objects::files;
use crate::rows::counters::file_limits;
use crate::rows::id::{ChannelNo, ConnectionNo, FileNo, Id, PostNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::wire::json::Value;
use crate::wire::message::{UploadSession, WireFile};
use crate::wire::response::encode_session;
use crate::wire::write::JsonWriter;

/// Carries out the announcement of a file.
pub fn announced(tx: &mut Tx<'_>, peer: &Peer, payload: Value<'_>) -> Reply {
    match announce(tx, peer, payload) {
        Ok(session) => Reply::Http {
            status: 200,
            body: encode_session(&session),
        },
        Err((reason, error)) => {
            Tally::of(reason).report(tx, peer.no);
            match reason {
                // With status 200 the peer would take it for refused.
                Reason::Held => refuse(tx, &undecided(error)),
                _ => fail(&format!("createUpload: {error}")),
            }
        }
    }
}

/// The answer while the policies fail on a file: the peer announces it again.
fn undecided(error: String) -> Refusal {
    Refusal::new(503, "api.upload.create.undecided.app_error", error)
}

fn announce(
    tx: &mut Tx<'_>,
    peer: &Peer,
    payload: Value<'_>,
) -> Result<UploadSession, (Reason, String)> {
    let refused = |reason, error: &str| (reason, error.to_string());
    let bytes_max = file_limits(tx).bytes_max;
    if bytes_max == 0 || !Behaviour::SharedFiles.is_in_force(tx) {
        let error = "Unable to upload file. File attachments are disabled.";
        return Err(refused(Reason::FeatureOff, error));
    }
    let session = UploadSession::decode(payload)
        .map_err(|_| refused(Reason::BadFile, "the upload session cannot be read"))?;
    let upload = checked(tx, peer, &session, bytes_max)?;
    let id = Id::parse(&session.id).ok_or_else(|| refused(Reason::BadId, "the id is invalid"))?;
    let offset = begin(tx, peer, id, upload)?;
    Ok(UploadSession {
        create_at: tx.now_ms(),
        file_offset: i64::try_from(offset).unwrap_or(i64::MAX),
        remote_id: peer.row.remote_id.into(),
        ..session
    })
}

/// The upload that a session stands for, if the peer may announce it.
fn checked(
    tx: &Tx<'_>,
    peer: &Peer,
    session: &UploadSession,
    bytes_max: u64,
) -> Result<Upload, (Reason, String)> {
    let refused = |reason, error: &str| (reason, error.to_string());
    let shared = authorize::channel(tx, peer, &session.channel_id).map_err(|closed| {
        let reason = match closed {
            Closed::Unknown => Reason::UnknownChannel,
            Closed::NotShared => Reason::NotShared,
        };
        refused(reason, "Upload channel is not shared with remote.")
    })?;
    if session.kind != UploadSession::ATTACHMENT {
        return Err(refused(Reason::BadFile, "only attachments can be uploaded"));
    }
    let size = u64::try_from(session.file_size).unwrap_or(0);
    if size == 0 || size > bytes_max {
        let error = format!(
            "File is too large or empty: it has {size} bytes, and 1 to {bytes_max} are taken here"
        );
        return Err((Reason::BadFile, error));
    }
    let name = file_name::stored(&session.filename);
    if name.is_empty() || name.chars().count() > FILE_NAME_CHARS_MAX {
        return Err(refused(
            Reason::BadFile,
            "the name of the file is missing or too long",
        ));
    }
    let file = Id::parse(&session.req_file_id)
        .ok_or_else(|| refused(Reason::BadId, "the id of the file is invalid"))?;
    let place = (peer.no, shared.get().channel);
    let user = authorize::uploader(tx, peer, &shared, &session.user_id).map_err(|reason| {
        if reason == Reason::UnknownUser && held::has_profile(tx, place, &session.user_id) {
            return refused(
                Reason::Held,
                "its author is not decided about here yet; send it again later.",
            );
        }
        let error = "the author of the file is not known here, or not one of the sender's users";
        refused(reason, error)
    })?;
    Ok(Upload {
        file,
        user,
        channel: shared.get().channel,
        name,
        size,
        offset: 0,
        create_at: tx.now_ms(),
    })
}

/// Stores an announced upload, or continues it; the bytes that are here already.
fn begin(tx: &mut Tx<'_>, peer: &Peer, id: Id, upload: Upload) -> Result<u64, (Reason, String)> {
    let known = room_for(tx, peer, &upload)?;
    // A Causeway goes by the answer; a Mattermost server sends the bytes again, for nothing.
    let is_here = known.as_ref().is_some_and(File::is_here);
    if is_here && peer.row.kind == PeerKind::Causeway {
        return Ok(upload.size);
    }
    if !is_here {
        admit(tx, peer, &upload, known.and_then(|file| file.post))?;
    }
    let key = (peer.no, id);
    let earlier = tx.get::<Upload>(&key);
    let continued = earlier.filter(|earlier| {
        let with = |upload: &Upload| (upload.file, upload.channel, upload.size);
        with(earlier) == with(&upload)
    });
    let offset = continued.map_or(0, |earlier| earlier.offset);
    displace(tx, peer.no, id);
    tx.put(&key, &Upload { offset, ..upload });
    Ok(offset)
}

/// The file of an upload, if it is expected or here already; refuses one whose id belongs to something else, or for
/// which there is no room.
fn room_for(tx: &Tx<'_>, peer: &Peer, upload: &Upload) -> Result<Option<File>, (Reason, String)> {
    if let Some(no) = lookup::file(tx, upload.file.as_str()) {
        let place = (peer.row.workspace, upload.user, upload.channel);
        let known = tx.get::<File>(&no).filter(|file| place_of(file) == place);
        let taken = || "the id of the file is taken".to_string();
        return match known {
            Some(file) => Ok(Some(file)),
            None => Err((Reason::ForeignFile, taken())),
        };
    }
    let unposted = tx.get::<UnpostedOfPeer>(&peer.row.workspace);
    if unposted.is_some_and(|count| count.files >= UNPOSTED_FILES_OF_PEER_MAX) {
        let error =
            format!("{UNPOSTED_FILES_OF_PEER_MAX} files were uploaded that no post has taken yet");
        return Err((Reason::TooManyFiles, error));
    }
    Ok(None)
}

/// Asks the policies about a file whose bytes are to come. A post that names it is shown without it until they are
/// here, so nothing has to be undone if they never come.
fn admit(
    tx: &mut Tx<'_>,
    peer: &Peer,
    upload: &Upload,
    post: Option<PostNo>,
) -> Result<(), (Reason, String)> {
    let post = post.and_then(|no| tx.get::<Post>(&no));
    let candidate = Candidate::File(FileCandidate {
        id: upload.file,
        post_id: post.map(|post| post.id),
        uploader: tx.user(upload.user),
        name: upload.name.as_str().into(),
        size: upload.size,
    });
    let crossing = Crossing {
        direction: Direction::Inbound,
        connection_no: peer.no,
        connection: &peer.row,
        channel: upload.channel,
    };
    match gate::judge_one(tx, crossing, candidate) {
        Judgement::Pass(_) | Judgement::Revised(_) => Ok(()),
        Judgement::Denied(_) => Err((Reason::Denied, reasons::FILE_DENIED.to_string())),
        Judgement::Failed(_) => {
            let error =
                "It is not decided yet whether the file is accepted here; send it again later.";
            Err((Reason::Held, error.to_string()))
        }
    }
}

/// Whose file it is, and where: an id of a file that is known elsewhere belongs to that one.
fn place_of(file: &File) -> (WorkspaceNo, UserNo, ChannelNo) {
    (file.origin, file.user, file.channel)
}

/// Makes room for one more upload: the oldest is forgotten.
fn displace(tx: &mut Tx<'_>, connection: ConnectionNo, id: Id) {
    let rows = tx.prefix::<Upload, _>(&connection, UPLOADS_OF_PEER_MAX);
    let is_known = rows.iter().any(|((_, known), _)| *known == id);
    if is_known || rows.len() < UPLOADS_OF_PEER_MAX as usize {
        return;
    }
    let oldest = rows
        .iter()
        .min_by_key(|((_, id), row)| (row.create_at, *id));
    if let Some((key, _)) = oldest {
        tx.delete::<Upload>(key);
    }
}

/// Bytes of an upload have arrived. The answer is what the peer is told of the file once all are here.
pub fn arrived(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    id: Id,
    progress: &UploadProgress,
) -> Reply {
    let key = (connection, id);
    let peer = Peer::load(tx, connection);
    let Some((upload, peer)) = tx.get::<Upload>(&key).zip(peer) else {
        return unknown(tx);
    };
    // The sharing may have ended since the announcement.
    if authorize::shared_channel(tx, &peer, upload.channel).is_err() {
        return unknown(tx);
    }
    match progress {
        UploadProgress::Part { offset } => {
            let offset = (*offset).min(upload.size);
            tx.put(&key, &Upload { offset, ..upload });
            Reply::Done
        }
        UploadProgress::Whole { digest, dimensions } => {
            let file = File {
                id: upload.file,
                origin: peer.row.workspace,
                user: upload.user,
                channel: upload.channel,
                post: None,
                create_at: tx.now_ms(),
                name: upload.name,
                size: upload.size,
                digest: digest.clone(),
                dimensions: *dimensions,
            };
            match store(tx, &file) {
                Some(no) => {
                    tx.delete::<Upload>(&key);
                    told(tx, no)
                }
                None => unknown(tx),
            }
        }
    }
}

/// Stores a file that has arrived: it joins the post that names it, or waits for that. `None` if its id
/// belongs to something else meanwhile.
fn store(tx: &mut Tx<'_>, arrived: &File) -> Option<FileNo> {
    let Some(no) = lookup::file(tx, arrived.id.as_str()) else {
        return Some(files::insert(tx, arrived));
    };
    let known = tx.get::<File>(&no)?;
    if place_of(&known) != place_of(arrived) {
        return None;
    }
    if !known.is_here() {
        files::arrive(tx, no, known, arrived);
    }
    Some(no)
}

/// The answer to the last bytes of a file.
fn told(tx: &mut Tx<'_>, no: FileNo) -> Reply {
    let Some(file) = tx.get::<File>(&no) else {
        return unknown(tx);
    };
    let channel = tx.channel(file.channel).map(|channel| channel.id);
    let channel_id = channel.map(String::from).unwrap_or_default();
    let wire = files::described(tx, &file);
    let mut writer = JsonWriter::new();
    wire.encode(&mut writer, ("", &channel_id));
    Reply::Http {
        status: 200,
        body: writer.finish(),
    }
}

fn unknown(tx: &mut Tx<'_>) -> Reply {
    refuse(
        tx,
        &Refusal::new(
            404,
            "app.upload.get.app_error",
            "There is no such upload, or no longer; announce the file again.",
        ),
    )
}

/// The file with an id, if a post of a peer may have it; `None` if it is not known, or belongs to something
/// else.
pub fn known(tx: &Tx<'_>, post: &Post, post_no: Option<PostNo>, id: &str) -> Option<FileNo> {
    let no = lookup::file(tx, id)?;
    let file = tx.get::<File>(&no)?;
    let is_free = file.post.is_none() || file.post == post_no;
    let is_its = place_of(&file) == (post.origin, post.user, post.channel);
    (is_its && is_free).then_some(no)
}

/// The same; if it is not known, it is expected from now on, unless what the post says of it is wrong.
pub fn expected(
    tx: &mut Tx<'_>,
    post: &Post,
    post_no: Option<PostNo>,
    said: &WireFile,
) -> Option<FileNo> {
    let id = Id::parse(&said.id)?;
    if lookup::file(tx, &said.id).is_some() {
        return known(tx, post, post_no, &said.id);
    }
    let name = file_name::stored(&said.name);
    if name.is_empty() || name.chars().count() > FILE_NAME_CHARS_MAX || said.size == 0 {
        return None;
    }
    let file = File {
        id,
        origin: post.origin,
        user: post.user,
        channel: post.channel,
        post: None,
        create_at: tx.now_ms(),
        name,
        size: said.size,
        digest: String::new(),
        dimensions: None,
    };
    Some(files::expect(tx, &file))
}

//! Files of peers: announced, uploaded, and named by posts, in either order.

use super::*;
use crate::authority;
use crate::boundary::input::UploadProgress;
use crate::boundary::output::Event;
use crate::command::{Command, ConfigureFiles};
use crate::model::limits::{
    UNPOSTED_FILE_LIFE_MS, UNPOSTED_FILE_STEP_MS, UNPOSTED_FILES_OF_PEER_MAX, UPLOADS_OF_PEER_MAX,
};
use crate::model::{ChannelFiles, File, FileBytes, FileLimits, UnpostedOfPeer, Upload};
use crate::rows::id::FileNo;

/// The announcement of a file of ann's.
pub(super) fn session(upload: &str, file: &str) -> Value {
    json!({
        "id": id(upload), "type": "attachment", "create_at": 0, "user_id": id("ann"),
        "channel_id": id("joint"), "filename": "plan.pdf", "file_size": 12, "file_offset": 0,
        "remote_id": "", "req_file_id": id(file),
    })
}

/// A post of ann's that names files; `said` is whether it says more of them than their ids.
pub(super) fn post_of(letters: &str, files: &[&str], said: bool) -> Value {
    let ids: Vec<String> = files.iter().map(|file| id(file)).collect();
    let infos: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "user_id": "x", "name": "plan.pdf", "size": 12}))
        .collect();
    let metadata = if said {
        json!({"files": infos})
    } else {
        json!({})
    };
    with(
        post(letters, "ann", "see"),
        json!({"file_ids": ids, "metadata": metadata}),
    )
}

impl World {
    pub(super) fn announce(&mut self, session: Value) -> Value {
        self.message(ACME, "sharedchannel_upload", session)
    }

    fn upload(&mut self, upload: &str, progress: UploadProgress) -> Reply {
        self.run(Input::Upload {
            connection: ACME,
            upload: parsed_id(upload),
            progress,
        })
        .reply
    }

    pub(super) fn upload_whole(&mut self, upload: &str, bytes: u8) -> Reply {
        let digest = format!("{bytes:064x}");
        let dimensions = None;
        self.upload(upload, UploadProgress::Whole { digest, dimensions })
    }

    /// Announces a file and uploads it.
    pub(super) fn bring(&mut self, file: &str, bytes: u8) {
        assert_eq!(self.announce(session("up", file))["status"], "OK");
        let (status, told) = http(self.upload_whole("up", bytes));
        assert_eq!((status, &told["id"]), (200, &json!(id(file))));
    }

    pub(super) fn file_no(&self, file: &str) -> Option<FileNo> {
        lookup::file(&self.host, &id(file))
    }

    /// The files of a post that are here.
    pub(super) fn files_here(&self, letters: &str) -> Vec<String> {
        let files = self.post(letters).unwrap().files;
        let rows = files.iter().map(|no| self.get::<File>(no));
        rows.filter(File::is_here)
            .map(|row| row.id.to_string())
            .collect()
    }

    fn shown_files(&self) -> u64 {
        let channel = self.channel_no("joint").unwrap();
        self.host
            .get::<ChannelFiles>(&channel)
            .unwrap_or_default()
            .files
    }
}

#[test]
fn a_file_that_comes_before_its_post_joins_it() {
    let mut world = World::with_peers_of_today();
    world.bring("f", 1);
    let row: File = world.get(&world.file_no("f").unwrap());
    assert_eq!(
        (row.post, row.size, row.name.as_str()),
        (None, 12, "plan.pdf")
    );
    assert_eq!(row.user, world.user_no("ann").unwrap());
    assert_eq!(world.get::<UnpostedOfPeer>(&WorkspaceNo(1)).files, 1);
    assert_eq!(world.host.tables.count(Table::Uploads), 0);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], false)]}));
    assert_eq!(world.files_here("new"), [id("f")]);
    assert!(!world.host.has::<UnpostedOfPeer>(&WorkspaceNo(1)));
    assert_eq!(world.shown_files(), 1);
}

#[test]
fn a_file_that_comes_after_its_post_joins_it_and_readers_see_it_then() {
    let mut world = World::with_peers_of_today();
    world.sync(ACME, json!({"posts": [post_of("new", &["f", "g"], true)]}));
    assert_eq!(world.files_here("new"), [""; 0]);
    let file: File = world.get(&world.file_no("g").unwrap());
    assert!(file.post.is_some() && !file.is_here() && world.shown_files() == 0);
    world.bring("g", 2);
    let post_no = world.post_no("new").unwrap();
    let channel = world.channel_no("joint").unwrap();
    assert_eq!(world.events(), [Event::PostEdited(channel, post_no)]);
    world.bring("f", 1);
    assert_eq!(
        world.files_here("new"),
        [id("f"), id("g")],
        "in the author's order"
    );
    assert_eq!(world.shown_files(), 2);
    assert!(!world.host.has::<UnpostedOfPeer>(&WorkspaceNo(1)));
}

#[test]
fn a_post_that_comes_again_brings_files_that_came_meanwhile() {
    let mut world = World::with_peers_of_today();
    let named = post_of("new", &["f", "g"], false);
    let touched = with(named, json!({"update_at": START + 1}));
    world.sync(ACME, json!({"posts": [touched]}));
    assert!(world.files_here("new").is_empty());
    world.bring("g", 1);
    world.bring("f", 2);
    let version = world.post("new").unwrap().origin_update_at;
    let older = with(
        post_of("new", &["g"], false),
        json!({"update_at": version - 1}),
    );
    world.sync(ACME, json!({"posts": [older]}));
    assert_eq!(world.files_here("new"), [id("g")]);
    world.sync(ACME, json!({"posts": [post_of("new", &["f", "g"], false)]}));
    assert_eq!(world.files_here("new"), [id("f"), id("g")]);
    world.sync(ACME, json!({"posts": [post_of("new", &[], false)]}));
    let post = world.post("new").unwrap();
    assert_eq!((post.files.len(), post.origin_update_at), (2, version));
    assert_eq!(world.shown_files(), 2);
}

#[test]
fn a_post_that_comes_again_with_too_many_files_leaves_no_trace() {
    let mut world = World::with_peers_of_today();
    let first = ["a", "b", "c", "d", "e", "f"];
    world.sync(ACME, json!({"posts": [post_of("new", &first, true)]}));
    let files = world.host.tables.count(Table::Files);
    let others = ["g", "h", "i", "j", "k"];
    world.sync(ACME, json!({"posts": [post_of("new", &others, true)]}));
    assert_eq!(world.host.tables.count(Table::Files), files);
    assert_eq!(world.post("new").unwrap().files.len(), first.len());
}

#[test]
fn what_a_post_only_names_is_left_out() {
    let mut world = World::with_peers_of_today();
    let bad = json!({"metadata": {"files": [
        {"id": id("f"), "name": "", "size": 12}, {"id": id("g"), "name": "a", "size": 0}, 7,
    ]}});
    let posts = [
        post_of("one", &["f", "g"], false),
        with(post_of("two", &["f", "g"], false), bad),
    ];
    world.sync(ACME, json!({"posts": posts}));
    assert_eq!(world.host.tables.count(Table::Files), 0);
}

#[test]
fn a_newer_version_changes_the_files_and_a_deletion_removes_them() {
    let mut world = World::with_peers_of_today();
    world.bring("f", 1);
    world.bring("g", 2);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], false)]}));
    let newer = |files: &[&str], at: i64| {
        let times = json!({"update_at": START + at, "delete_at": 0});
        with(post_of("new", files, true), times)
    };
    world.sync(ACME, json!({"posts": [newer(&["g", "h"], 5)]}));
    assert_eq!(world.files_here("new"), [id("g")]);
    assert_eq!((world.file_no("f"), world.shown_files()), (None, 1));
    assert_eq!(world.host.tables.count(Table::FileBytes), 1);
    let gone = with(newer(&[], 9), json!({"delete_at": START + 9}));
    world.sync(ACME, json!({"posts": [gone]}));
    assert_eq!(world.host.tables.count(Table::Files), 0);
    assert_eq!(world.host.tables.count(Table::FileBytes), 0);
    assert_eq!(world.shown_files(), 0);
    // Its bytes come too late.
    world.bring("h", 3);
    assert_eq!(world.get::<UnpostedOfPeer>(&WorkspaceNo(1)).files, 1);
    world.now_ms += UNPOSTED_FILE_LIFE_MS + UNPOSTED_FILE_STEP_MS;
    world.run_due();
    assert_eq!(world.host.tables.count(Table::Files), 0);
    assert!(!world.host.has::<UnpostedOfPeer>(&WorkspaceNo(1)));
}

#[test]
fn an_upload_continues_where_it_was_and_a_file_that_is_here_is_not_uploaded_again() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    world.announce(session("up", "f"));
    world.upload("up", UploadProgress::Part { offset: 5 });
    let answer = world.announce(session("up", "f"));
    assert_eq!(answer["payload"]["file_offset"], 5);
    let other = with(session("up", "f"), json!({"file_size": 13}));
    assert_eq!(world.announce(other)["payload"]["file_offset"], 0);
    world.bring("f", 1);
    let answer = world.announce(session("again", "f"));
    assert_eq!(answer["payload"]["file_offset"], 12);
    assert_eq!(world.host.tables.count(Table::Uploads), 0);
    // A Mattermost server does not go by the answer: it sends the bytes again, for nothing.
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
    assert_eq!(
        world.announce(session("more", "f"))["payload"]["file_offset"],
        0
    );
    assert_eq!(http(world.upload_whole("more", 7)).0, 200);
    let row: File = world.get(&world.file_no("f").unwrap());
    assert_eq!(row.digest, format!("{:064x}", 1));
    assert!(!world.host.has::<FileBytes>(&format!("{:064x}", 7)));
}

#[test]
fn only_a_users_own_files_for_a_channel_of_the_peer_are_taken() {
    let mut world = World::with_peers_of_today();
    let local = world.act(
        Actor::User(ADMIN),
        acts::add_file(world.channel_no("joint").unwrap(), "a", 9),
    );
    let Ok(crate::boundary::output::Object::File(local)) = local else {
        panic!("not a file")
    };
    let local_id = world.get::<File>(&local).id.to_string();
    let cases = [
        (json!({"id": "x"}), "bad_id"),
        (json!({"req_file_id": ""}), "bad_id"),
        (json!({"type": "import"}), "bad_file"),
        (json!({"filename": ""}), "bad_file"),
        (json!({"filename": "../.."}), "bad_file"),
        (json!({"filename": "x".repeat(256)}), "bad_file"),
        (json!({"file_size": 0}), "bad_file"),
        (json!({"file_size": -1}), "bad_file"),
        (json!({"file_size": (100 << 20) + 1}), "bad_file"),
        (json!({"file_size": "12"}), "bad_file"),
        (json!({"user_id": id("nobody")}), "unknown_user"),
        (json!({"user_id": id("boss")}), "foreign_user"),
        (json!({"user_id": id("olga")}), "foreign_user"),
        (json!({"channel_id": id("nowhere")}), "unknown_channel"),
        (json!({"channel_id": id("otheronly")}), "not_shared"),
        (json!({"req_file_id": local_id}), "foreign_file"),
    ];
    let before = world.host.tables.clone();
    for (change, reason) in cases {
        let answer = world.announce(with(session("up", "f"), change.clone()));
        assert_eq!(answer["status"], "FAIL", "{change}");
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{change}");
    }
    assert_eq!(world.host.tables, before);
    let named = with(session("up", "f"), json!({"filename": "../../x<b>.txt"}));
    assert_eq!(world.announce(named)["status"], "OK");
    assert_eq!(
        world.get::<Upload>(&(ACME, parsed_id("up"))).name,
        "x<b>.txt"
    );
    // Another peer knows nothing of it, and can neither take its id.
    let theirs = with(session("up2", "f"), json!({"user_id": id("olga")}));
    assert_eq!(http(world.upload_whole("up", 1)).0, 200);
    let answer = world.message(OTHER, "sharedchannel_upload", theirs);
    assert_eq!(answer["status"], "FAIL");
    let stolen = with(post_of("px", &["f"], true), json!({"user_id": id("olga")}));
    world.sync(OTHER, json!({"posts": [stolen]}));
    assert!(world.post("px").unwrap().files.is_empty());
}

#[test]
fn bytes_for_an_id_that_belongs_to_somebody_else_meanwhile_are_refused_without_a_trace() {
    let mut world = World::with_peers_of_today();
    let theirs = with(session("up2", "f"), json!({"user_id": id("olga")}));
    let answer = world.message(OTHER, "sharedchannel_upload", theirs);
    assert_eq!(answer["status"], "OK");
    world.bring("f", 1);
    let before = world.host.tables.clone();
    let (digest, dimensions) = (format!("{:064x}", 2), None);
    let input = Input::Upload {
        connection: OTHER,
        upload: parsed_id("up2"),
        progress: UploadProgress::Whole { digest, dimensions },
    };
    assert_eq!(http(world.run(input).reply).0, 404);
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_post_takes_only_files_that_its_author_uploaded() {
    let mut world = World::with_peers_of_today();
    world.sync(ACME, json!({"users": {"e": user("eve", "eve")}}));
    world.bring("f", 1);
    let other = with(post_of("new", &["f"], true), json!({"user_id": id("eve")}));
    world.sync(ACME, json!({"posts": [other]}));
    assert!(world.post("new").unwrap().files.is_empty());
    world.sync(ACME, json!({"posts": [post_of("own", &["f"], true)]}));
    assert_eq!(world.files_here("own"), [id("f")]);
}

#[test]
fn bytes_without_an_announcement_are_refused_and_files_can_be_off() {
    let mut world = World::with_peers_of_today();
    assert_eq!(http(world.upload_whole("up", 1)).0, 404);
    let limits = FileLimits { bytes_max: 0 };
    let off = Command::ConfigureFiles(ConfigureFiles { limits });
    assert_eq!(world.output(Actor::System, None, off).reply, Reply::Done);
    assert_eq!(world.announce(session("up", "f"))["status"], "FAIL");
    assert_eq!(world.refused(), [("feature_off".to_string(), 1)]);
    let mut world = World::with_peers();
    assert_eq!(world.announce(session("up", "f"))["status"], "FAIL");
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    assert!(world.post("new").unwrap().files.is_empty());
}

#[test]
fn unfinished_uploads_and_files_without_posts_are_limited() {
    let mut world = World::with_peers_of_today();
    let letters = |n: u32| format!("u{}", char::from(b'a' + u8::try_from(n).unwrap()));
    for n in 0..=UPLOADS_OF_PEER_MAX {
        world.announce(session(&letters(n), &letters(n)));
    }
    assert_eq!(
        world.host.tables.count(Table::Uploads),
        UPLOADS_OF_PEER_MAX as usize
    );
    assert_eq!(
        http(world.upload_whole(&letters(0), 1)).0,
        404,
        "the oldest gave way"
    );
    assert_eq!(http(world.upload_whole(&letters(1), 1)).0, 200);
    world.alter::<UnpostedOfPeer>(&WorkspaceNo(1), |row| {
        row.files = UNPOSTED_FILES_OF_PEER_MAX
    });
    assert_eq!(world.announce(session("up", "f"))["status"], "FAIL");
    assert_eq!(world.refused(), [("too_many_files".to_string(), 1)]);
}

#[test]
fn a_file_is_read_by_the_members_of_its_channel_only() {
    let mut world = World::with_peers_of_today();
    world.bring("f", 1);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], false)]}));
    let row: File = world.get(&world.file_no("f").unwrap());
    let may = |user| authority::may_read_file(&world.host, &row, user);
    assert!(may(ADMIN) && !may(crate::testing::EVE));
}

#[test]
fn a_hub_passes_files_on_once_their_bytes_are_here() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&OTHER, |row| row.kind = PeerKind::Causeway);
    world.ping(OTHER);
    world.sync(ACME, json!({"posts": [post_of("new", &["f"], true)]}));
    let mut seen = String::new();
    let mut deliver = |world: &mut World| {
        for _ in 0..10 {
            let Some((attempt, frame)) = world.out.pop() else {
                return;
            };
            let frame = String::from_utf8(frame).unwrap();
            let answer =
                json!({"status": "OK", "err": "", "payload": {"users_syncd": [id("ann")]}});
            seen.push_str(&frame);
            let bytes = serde_json::to_vec(&answer).unwrap();
            world.receipt(OTHER, attempt, SendOutcome::Answered(bytes));
        }
    };
    deliver(&mut world);
    assert_eq!(world.host.tables.count(Table::FileDebts), 0);
    world.bring("f", 1);
    assert_eq!(world.host.tables.count(Table::FileDebts), 1);
    deliver(&mut world);
    assert!(seen.contains("sharedchannel_upload"), "{seen}");
}

#[test]
fn bytes_that_come_after_the_sharing_ended_are_refused() {
    let mut world = World::with_peers_of_today();
    world.announce(session("up", "f"));
    let joint = world.channel_no("joint").unwrap();
    world.by(ADMIN, acts::uninvite(joint, ACME)).unwrap();
    assert_eq!(http(world.upload_whole("up", 1)).0, 404);
    assert!(world.file_no("f").is_none());
}

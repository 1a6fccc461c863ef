//! Files, and the posts that take them.

use super::*;
use crate::authority;
use crate::boundary::input::Input;
use crate::model::limits::{
    FILE_NAME_CHARS_MAX, UNPOSTED_FILE_LIFE_MS, UNPOSTED_FILE_STEP_MS, UNPOSTED_FILES_MAX,
    UNPOSTED_FILES_PER_STEP_MAX,
};
use crate::model::{ChannelFiles, File, UnpostedCount, UnpostedFile};
use crate::rows::id::FileNo;
use crate::rows::lookup;

impl World {
    fn add_file(&mut self, user: UserNo, channel: ChannelNo, bytes: u8) -> FileNo {
        match self.by(user, add_file(channel, "a.png", bytes)).unwrap() {
            Object::File(file) => file,
            other => panic!("{other:?}"),
        }
    }

    fn write_with(&mut self, user: UserNo, channel: ChannelNo, files: &[FileNo]) -> PostNo {
        let files = files.to_vec();
        let new = post_with(channel, None, "see", |new| new.files = files);
        match self.by(user, new).unwrap() {
            Object::Post(post) => post,
            other => panic!("{other:?}"),
        }
    }

    fn unposted(&self, user: UserNo) -> u32 {
        self.host
            .get::<UnpostedCount>(&user)
            .unwrap_or_default()
            .files
    }
}

#[test]
fn a_file_is_its_uploaders_until_a_post_takes_it_and_goes_with_that_post() {
    let mut world = World::new();
    let file = world.add_file(ANN, TOWN, 1);
    let row: File = world.get(&file);
    assert_eq!((row.post, row.create_at), (None, world.now_ms));
    assert_eq!(lookup::file(&world.host, row.id.as_str()), Some(file));
    let readers = |world: &World, row: &File| {
        [ANN, BOB, EVE].map(|user| authority::may_read_file(&world.host, row, user))
    };
    assert_eq!(readers(&world, &row), [true, false, false]);
    assert_eq!((world.unposted(ANN), world.uses(1)), (1, 1));

    let post = world.write_with(ANN, TOWN, &[file]);
    let row: File = world.get(&file);
    assert_eq!(row.post, Some(post));
    assert_eq!(world.get::<Post>(&post).files, [file]);
    assert_eq!(readers(&world, &row), [true, true, false]);
    assert_eq!((world.unposted(ANN), world.uses(1)), (0, 1));
    assert_eq!(world.get::<ChannelFiles>(&TOWN).files, 1);

    world.by(ANN, delete(post)).unwrap();
    assert!(world.get::<Post>(&post).files.is_empty());
    assert!(!world.host.has::<File>(&file));
    assert_eq!(lookup::file(&world.host, row.id.as_str()), None);
    assert_eq!(world.uses(1), 0);
    assert_eq!(world.get::<ChannelFiles>(&TOWN).files, 0);
}

#[test]
fn a_post_takes_only_what_its_author_added_in_its_channel_and_nothing_twice() {
    let mut world = World::new();
    let den = world.create_channel(ANN, "den", ChannelKind::Private);
    let [one, two, elsewhere] = [(TOWN, 1), (TOWN, 2), (den, 3)]
        .map(|(channel, bytes)| world.add_file(ANN, channel, bytes));
    let bobs = world.add_file(BOB, TOWN, 4);
    let named = [two, bobs, elsewhere, one, two, FileNo(9_999)];
    let first = world.write_with(ANN, TOWN, &named);
    assert_eq!(world.get::<Post>(&first).files, [two, one]);
    let second = world.write_with(ANN, TOWN, &[one]);
    assert!(world.get::<Post>(&second).files.is_empty());
    assert_eq!(world.get::<File>(&one).post, Some(first));
    let eleven = vec![bobs; 11];
    let many = post_with(TOWN, None, "see", |new| new.files = eleven);
    assert_eq!(world.refusal(BOB, many).0, 400);
}

#[test]
fn who_may_not_write_adds_no_file_and_a_name_has_to_be_one() {
    let mut world = World::new();
    assert_eq!(world.refusal(EVE, add_file(TOWN, "a.png", 1)).0, 403);
    for name in ["", "..", "dir/", &"n".repeat(FILE_NAME_CHARS_MAX + 1)] {
        assert_eq!(world.refusal(ANN, add_file(TOWN, name, 1)).0, 400, "{name}");
    }
    let longest = "\u{fc}".repeat(FILE_NAME_CHARS_MAX);
    world.by(ANN, add_file(TOWN, &longest, 1)).unwrap();
}

#[test]
fn bytes_are_needed_as_long_as_one_of_the_files_is() {
    let mut world = World::new();
    let files = [1, 1].map(|bytes| world.add_file(ANN, TOWN, bytes));
    let posts = files.map(|file| world.write_with(ANN, TOWN, &[file]));
    world.by(ANN, delete(posts[0])).unwrap();
    assert_eq!(world.uses(1), 1);
    world.by(ANN, delete(posts[1])).unwrap();
    assert_eq!(world.uses(1), 0);
}

#[test]
fn what_no_post_takes_is_dropped_in_bounded_portions() {
    let mut world = World::new();
    let taken = world.add_file(ANN, TOWN, 1);
    let many = UNPOSTED_FILES_PER_STEP_MAX + 1;
    for _ in 0..many {
        world.add_file(ANN, TOWN, 2);
    }
    world.write_with(ANN, TOWN, &[taken]);
    assert_eq!(world.unposted(ANN), many);
    world.now_ms += UNPOSTED_FILE_LIFE_MS + UNPOSTED_FILE_STEP_MS;
    world.run(Input::Timer);
    assert_eq!((world.unposted(ANN), world.uses(2)), (1, 1));
    world.run(Input::Timer);
    assert_eq!((world.unposted(ANN), world.uses(2)), (0, 0));
    assert!(world.host.prefix::<UnpostedFile, ()>(&(), 9).is_empty());
    assert!(world.host.has::<File>(&taken));
}

#[test]
fn one_user_may_have_only_so_many_unposted_files() {
    let mut world = World::new();
    for _ in 0..UNPOSTED_FILES_MAX {
        world.add_file(ANN, TOWN, 1);
    }
    let (status, id) = world.refusal(ANN, add_file(TOWN, "a.png", 1));
    assert_eq!(status, 400);
    assert_eq!(id, "api.file.upload_file.too_many_unposted.app_error");
    world.add_file(BOB, TOWN, 1);
}

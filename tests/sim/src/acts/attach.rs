//! Adds a file, or writes a post with the files that somebody has added.

use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{AddFile, Command, CreatePost};
use causeway_kernel::model::limits::FILES_PER_POST_MAX;
use causeway_kernel::model::{Channel, File, User};
use causeway_kernel::rows::id::FileNo;
use causeway_kernel::rows::tx::Read;

use super::post::{create, plain};
use super::scene::{Place, Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;
use crate::mattermost::files::FILE_BYTES;

pub(super) const SPEC: Spec = Spec {
    weight: 20,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

/// Files of a workspace among which the user's are looked for.
const FILES_MAX: u32 = 1_000;
/// How many different contents files have, so that some have the same.
const CONTENTS: usize = 5;

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let files = unposted(scene);
    if let Some((_, first)) = files.first()
        && dice.chance(700)
    {
        return post(scene, first, &files, dice);
    }
    let place = scene.place(dice)?;
    let number = scene.number;
    let told = format!("{} adds the file {number}", scene.name());
    let command = Command::AddFile(AddFile {
        channel: place.channel,
        name: format!("file {number}.txt"),
        size: FILE_BYTES,
        digest: digest(number),
        dimensions: None,
    });
    Some(scene.in_place(&place, command, told))
}

fn digest(number: usize) -> String {
    format!("{:064x}", number % CONTENTS)
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let text = turn.text();
    let count = 1 + turn.dice.below(3) as usize;
    let told = format!("{} writes “{text}” with {count} files", visit.name);
    let number = turn.number;
    let digests = (0..count).map(|at| digest(number + at));
    turn.write_with_files(&visit, text, digests);
    Some(told)
}

/// A post with the files that the user of the first one has added in its channel.
fn post(
    scene: &Scene<'_>,
    first: &File,
    files: &[(FileNo, File)],
    dice: &mut Dice,
) -> Option<Vec<Request>> {
    let place = Place {
        channel: first.channel,
        name: scene.rows.get::<Channel>(&first.channel)?.name,
    };
    let of_channel = files
        .iter()
        .filter(|(_, file)| (file.channel, file.user) == (first.channel, first.user));
    let files = of_channel.map(|(no, _)| *no).take(FILES_PER_POST_MAX);
    let message = scene.text(dice);
    let name = scene.rows.get::<User>(&first.user)?.username;
    let told = format!("{name} writes “{message}” with files in {}", place.name);
    let new = CreatePost {
        files: files.collect(),
        ..plain(&place, None, message)
    };
    let mut requests = create(scene, &place, new, told);
    // Whoever added a file writes the post, and is a member already.
    requests.retain_mut(|request| {
        request.actor = Actor::User(first.user);
        matches!(request.command, Command::CreatePost(_))
    });
    Some(requests)
}

/// The files that local users have added and no post has taken.
fn unposted(scene: &Scene<'_>) -> Vec<(FileNo, File)> {
    let mut files = scene.rows.prefix::<File, ()>(&(), FILES_MAX);
    files.retain(|(_, file)| file.origin.is_ours() && file.post.is_none());
    files
}

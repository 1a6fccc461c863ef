//! Adds a file, or writes a post with the files that the user has added.

use causeway_kernel::command::{AddFile, Command, CreatePost};
use causeway_kernel::model::limits::FILES_PER_POST_MAX;
use causeway_kernel::model::{Channel, File};
use causeway_kernel::rows::id::FileNo;
use causeway_kernel::rows::tx::Read;

use super::post::{create, plain};
use super::scene::{Place, Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 6,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // The modelled servers have no files.
    at_mattermost: |_| None,
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
        size: 7,
        digest: format!("{:064x}", number % CONTENTS),
        dimensions: None,
    });
    Some(scene.in_place(&place, command, told))
}

/// A post with the user's files of the first one's channel.
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
        .filter(|(_, file)| file.channel == first.channel);
    let files = of_channel.map(|(no, _)| *no).take(FILES_PER_POST_MAX);
    let message = scene.text(dice);
    let told = format!(
        "{} writes “{message}” with files in {}",
        scene.name(),
        place.name
    );
    let new = CreatePost {
        files: files.collect(),
        ..plain(&place, None, message)
    };
    Some(create(scene, &place, new, told))
}

/// The files that the user has added and no post has taken.
fn unposted(scene: &Scene<'_>) -> Vec<(FileNo, File)> {
    let mut files = scene.rows.prefix::<File, ()>(&(), FILES_MAX);
    files.retain(|(_, file)| file.user == scene.user && file.post.is_none());
    files
}

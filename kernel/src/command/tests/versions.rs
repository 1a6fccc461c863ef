//! Earlier versions of posts.

use super::*;
use crate::model::EarlierVersion;
use crate::model::limits::EARLIER_VERSIONS_MAX;

fn versions(world: &World, post: PostNo) -> Vec<(String, i64)> {
    let rows = world.host.prefix::<EarlierVersion, _>(&post, 99);
    rows.into_iter()
        .map(|(_, row)| (row.message, row.written_at))
        .collect()
}

#[test]
fn what_a_post_said_before_an_edit_is_kept_until_it_is_deleted() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "first");
    let written = world.get::<Post>(&post).create_at;
    assert!(versions(&world, post).is_empty());
    world.by(ANN, edit(post, "second")).unwrap();
    let edited = world.get::<Post>(&post).edit_at;
    // A pin is no new version.
    world.by(BOB, pin(post, true)).unwrap();
    world.by(ADMIN, edit(post, "third")).unwrap();
    let expected = [("first".to_string(), written), ("second".into(), edited)];
    assert_eq!(versions(&world, post), expected);
    world.by(ANN, delete(post)).unwrap();
    assert!(versions(&world, post).is_empty());
}

#[test]
fn the_latest_versions_are_kept() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "0");
    let last = EARLIER_VERSIONS_MAX + 5;
    for n in 1..=last {
        world.by(ANN, edit(post, &n.to_string())).unwrap();
    }
    let texts: Vec<String> = versions(&world, post).into_iter().map(|it| it.0).collect();
    let expected = (last - EARLIER_VERSIONS_MAX..last).map(|n| n.to_string());
    assert_eq!(texts, expected.collect::<Vec<_>>());
}

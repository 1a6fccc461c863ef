//! Links to posts in what a Mattermost server gets.

use super::*;
use crate::model::limits::MESSAGE_CHARS_MAX;
use crate::model::{ChannelKind, Exception, ExceptionState, FeedObject, Link, MetaRow};
use crate::outbound::exception;
use crate::rows::counters::workspace;
use crate::rows::id::{ChannelNo, FeedSeq};
use crate::rows::lookup;
use crate::testing::acts::channel;

const SITE_URL: &str = "https://here.example:8065/sub";

/// A world whose workspace has such an address, and the id of a post in the shared channel.
fn world(kind: PeerKind) -> (World, String) {
    world_at(SITE_URL, kind)
}

fn world_at(site_url: &str, kind: PeerKind) -> (World, String) {
    let mut world = World::shared(kind);
    world.alter::<MetaRow>(&MetaRow::WORKSPACE, |row| {
        if let MetaRow::Workspace(it) = row {
            it.site_url = site_url.into();
        }
    });
    assert_eq!(workspace(&world.host).unwrap().site_url, site_url);
    world.write(ANN, TOWN, "first");
    world.settle();
    let posts = world.host.prefix::<Post, ()>(&(), 10_000);
    let first = posts.iter().find(|(_, post)| post.message == "first");
    let id = first.unwrap().1.id.to_string();
    (world, id)
}

/// The text with which a post arrives at the peer.
fn arrives(world: &mut World, text: &str) -> String {
    world.write(ANN, TOWN, text);
    world.settle();
    let latest = world
        .host
        .prefix::<Post, ()>(&(), 10_000)
        .into_iter()
        .last();
    let id = latest.unwrap().1.id.to_string();
    world.peer.posts[&id].0.clone()
}

#[test]
fn a_link_to_a_post_that_a_mattermost_server_has_leads_to_its_copy() {
    let (mut world, id) = world(PeerKind::Mattermost11);
    let text = format!("[this]({SITE_URL}/crew/pl/{id}), {SITE_URL}/crew/pl/{id}");
    let link = format!("https://here.example/crew/plshared/{id}");
    assert_eq!(
        arrives(&mut world, &text),
        format!("[this]({link}), {link}")
    );
}

#[test]
fn other_links_and_other_peers_get_the_text_as_it_was_written() {
    let (mut world, id) = world(PeerKind::Mattermost11);
    for text in [
        format!("{SITE_URL}/crew/pl/{}", "p".repeat(26)),
        format!("https://other.example/crew/pl/{id} /crew/pl/{id}"),
        format!("{SITE_URL}/crew/channels/town {SITE_URL}/a/b/pl/{id}"),
    ] {
        assert_eq!(arrives(&mut world, &text), text);
    }
    for kind in [PeerKind::Causeway, PeerKind::Mattermost2021] {
        let (mut world, id) = self::world(kind);
        let text = format!("{SITE_URL}/crew/pl/{id}");
        assert_eq!(arrives(&mut world, &text), text);
    }
}

#[test]
fn a_text_that_would_become_too_long_stays() {
    let (mut world, id) = world_at("https://here.example", PeerKind::Mattermost11);
    let link = format!("https://here.example/crew/pl/{id}");
    let before = MESSAGE_CHARS_MAX - link.len();
    let text = format!("{}{link}", "x".repeat(before));
    assert!(arrives(&mut world, &text) == text, "it has no room");
    let text = format!("{}{link}", "x".repeat(before - "shared".len()));
    let shared = text.replace("/pl/", "/plshared/");
    assert!(arrives(&mut world, &text) == shared, "it has room");
}

#[test]
fn a_link_to_a_post_of_a_channel_that_is_not_shared_stays() {
    let (mut world, _) = world(PeerKind::Mattermost11);
    world.by(ANN, channel("hall", ChannelKind::Public)).unwrap();
    let hall = ChannelNo(2);
    world.write(ANN, hall, "secret");
    let posts = world.host.prefix::<Post, ()>(&(), 10_000);
    let secret = posts.iter().find(|(_, post)| post.message == "secret");
    let text = format!("{SITE_URL}/crew/pl/{}", secret.unwrap().1.id);
    assert_eq!(arrives(&mut world, &text), text);
}

#[test]
fn a_link_to_a_post_from_before_the_sharing_stays() {
    let (mut world, id) = world(PeerKind::Mattermost11);
    let no = lookup::post(&world.host, &id).unwrap();
    world.alter::<Link>(&(TOWN, ACME), |link| link.posts_before = no);
    let text = format!("{SITE_URL}/crew/pl/{id}");
    assert_eq!(arrives(&mut world, &text), text);
}

#[test]
fn a_link_to_a_post_that_is_withheld_stays() {
    let (mut world, id) = world(PeerKind::Mattermost11);
    let no = lookup::post(&world.host, &id).unwrap();
    world.step(|tx| {
        let (connection, channel) = (ACME, TOWN);
        let link = tx.get::<Link>(&(channel, connection)).unwrap();
        let row = Exception {
            object: FeedObject::Post(no),
            seq: FeedSeq(1),
            epoch: link.epoch,
            state: ExceptionState::Denied,
            retry_at: 0,
            reason: "denied".into(),
        };
        tx.put(
            &exception::key_of(connection, channel, &FeedObject::Post(no)),
            &row,
        );
    });
    let text = format!("{SITE_URL}/crew/pl/{id}");
    assert_eq!(arrives(&mut world, &text), text);
}

//! Traffic recorded between real Mattermost servers, played against our host: see [`player`].

mod acknowledgements;
mod acts;
mod differences;
mod direct;
mod directory;
mod features;
mod files;
mod gates;
mod incoming;
mod invited;
mod json;
mod members;
mod mentions;
mod offers;
mod outgoing;
mod pictures;
mod player;
mod priorities;
mod profiles;
mod recording;
mod scenery;
mod script;
mod sent;
mod shape;
mod statuses;
mod stories;
mod world;

use std::collections::BTreeSet;

use player::Player;
use recording::Set;
use stories::Story;

/// Plays a story with our host in one seat: nothing may differ from the recording, except for the
/// differences that the story lists, and each of those must occur.
async fn play(story: &'static Story, seat: char) {
    let mut player = Player::new(story, seat).await.expect("the stage is set");
    let played = player.play().await;
    let shown: Vec<&String> = player.mismatches.iter().take(60).collect();
    for mismatch in &shown {
        println!("{mismatch}");
    }
    if let Err(error) = played {
        panic!("{} as {seat}, {}: {error:?}", story.name, player.at);
    }
    let count = player.mismatches.len();
    assert_eq!(count, 0, "{} as {seat}: {count} mismatches", story.name);
    let files = story.files.iter();
    let exchanges: usize = files.map(|file| story.set.file(file).len()).sum();
    assert!(player.checks >= exchanges, "only {} checks", player.checks);
    let seen: BTreeSet<_> = player.seen_differences.keys().copied().collect();
    let listed = story.differences.iter().filter(|(s, _)| *s == seat);
    let listed: BTreeSet<_> = listed.flat_map(|(_, list)| list.iter().copied()).collect();
    assert_eq!(seen, listed, "{} as {seat}: other differences", story.name);
}

macro_rules! stories {
    ($($name:ident: $story:ident as $seat:literal;)*) => {
        /// Every story that is played, with its seat.
        fn played() -> Vec<(&'static Story, char)> {
            vec![$((&stories::$story, $seat)),*]
        }

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                play(&stories::$story, $seat).await;
            }
        )*
    };
}

stories! {
    refused_confirmations_of_2021_as_inviter: REFUSED_2021 as 'A';
    refused_confirmations_of_2021_as_acceptor: REFUSED_2021 as 'B';
    the_servers_of_2021_as_inviter: WHOLE_2021 as 'A';
    the_servers_of_2021_as_acceptor: WHOLE_2021 as 'B';
    refused_confirmations_of_11_as_inviter: REFUSED_11 as 'A';
    refused_confirmations_of_11_as_acceptor: REFUSED_11 as 'B';
    the_servers_of_11_as_inviter: WHOLE_11 as 'A';
    the_servers_of_11_as_acceptor: WHOLE_11 as 'B';
    mentions_and_batches_of_11_as_inviter: MENTIONS_11 as 'A';
    mentions_and_batches_of_11_as_acceptor: MENTIONS_11 as 'B';
    links_and_a_read_only_channel_of_11_as_inviter: LINKS_11 as 'A';
    links_and_a_read_only_channel_of_11_as_acceptor: LINKS_11 as 'B';
    direct_messages_of_2021_as_inviter: DIRECT_2021 as 'A';
    direct_messages_of_2021_as_acceptor: DIRECT_2021 as 'B';
    direct_and_group_messages_of_11_as_inviter: DIRECT_11 as 'A';
    direct_and_group_messages_of_11_as_acceptor: DIRECT_11 as 'B';
    people_and_members_of_11_as_inviter: PEOPLE_11 as 'A';
    people_and_members_of_11_as_acceptor: PEOPLE_11 as 'B';
    statuses_of_11_as_inviter: STATUSES_11 as 'A';
    statuses_of_11_as_acceptor: STATUSES_11 as 'B';
    acknowledgements_of_11_as_inviter: ACKNOWLEDGEMENTS_11 as 'A';
    acknowledgements_of_11_as_acceptor: ACKNOWLEDGEMENTS_11 as 'B';
    a_peer_of_11_that_fails_in_every_way: FAILING_PEER_11 as 'A';
    what_a_server_of_11_retries: FAILING_PEER_11 as 'F';
}

#[test]
fn every_recording_is_played_from_both_seats() {
    for set in [Set::V2021, Set::V11] {
        for path in set.files() {
            let exchanges = recording::read(&path);
            let file = &exchanges[0].file;
            let by_test_peer = exchanges.iter().any(|it| it.from == 'F');
            for seat in ['A', if by_test_peer { 'F' } else { 'B' }] {
                let is_in = |story: &Story| story.set == set && story.files.contains(&&**file);
                let found = played()
                    .iter()
                    .any(|(story, of)| *of == seat && is_in(story));
                assert!(found, "{} is not played as {seat}", path.display());
            }
        }
    }
}

macro_rules! everything {
    ($($name:ident: $story:ident from $sender:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let compared = features::compare(&stories::$story, $sender).await;
            compared.expect("both workspaces fare the same");
        }
    )*};
}

everything! {
    features_that_are_off_never_break_a_batch_from_a_of_2021: WHOLE_2021 from 'A';
    features_that_are_off_never_break_a_batch_from_b_of_2021: WHOLE_2021 from 'B';
    features_that_are_off_never_break_a_batch_from_a_of_11: WHOLE_11 from 'A';
    features_that_are_off_never_break_a_batch_from_b_of_11: WHOLE_11 from 'B';
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_denies_direct_messages_is_like_the_flag_for_what_a_sends() {
    let compared = gates::compare(&stories::DIRECT_11, 'A').await;
    compared.expect("nothing comes in before the gate allows it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_denies_direct_messages_is_like_the_flag_for_what_b_sends() {
    let compared = gates::compare(&stories::DIRECT_11, 'B').await;
    compared.expect("nothing comes in before the gate allows it");
}

//! Tests of the lines.

use super::line::{FRAMES_SENT_KEPT, FRAMES_WAITING_MAX, SENT_BYTES_KEPT, WAITING_BYTES_MAX};
use super::*;

const USER: UserNo = UserNo(1);

fn frame(hub: &Hub, text: &str) -> EventFrame {
    EventFrame {
        shared: hub.hold(text.to_string()),
        own: Bytes::new(),
    }
}

fn publish(hub: &Hub, text: &str) {
    let frame = frame(hub, text);
    hub.publish(None, |_| Some(frame.clone()));
}

fn open(hub: &Hub, user: UserNo) -> Arc<Line> {
    hub.open(user, random_id(), |_| "hello".into()).unwrap().0
}

fn hub() -> (Hub, Arc<Line>) {
    let hub = Hub::default();
    let line = open(&hub, USER);
    (hub, line)
}

/// The text and number of the next frame.
fn read(line: &Line, socket: u64) -> Option<(String, u64)> {
    match line.try_next(socket)? {
        Next::Frame(frame, number) => {
            let text = [frame.shared, frame.own].concat();
            Some((String::from_utf8(text).unwrap(), number))
        }
        Next::Ended(_) => None,
    }
}

fn ending(line: &Line, socket: u64) -> Option<Ending> {
    match line.try_next(socket)? {
        Next::Ended(ending) => Some(ending),
        Next::Frame(..) => None,
    }
}

#[test]
fn frames_are_numbered_without_gaps_and_asked_for_once_a_user() {
    let (hub, line) = hub();
    let other = open(&hub, USER);
    let stranger = open(&hub, UserNo(2));
    let mut asked = Vec::new();
    for text in ["a", "b"] {
        hub.publish(None, |user| {
            asked.push(user);
            (user == USER).then(|| frame(&hub, text))
        });
    }
    asked.sort_unstable();
    assert_eq!(asked, [USER, USER, UserNo(2), UserNo(2)]);
    for line in [&line, &other] {
        assert_eq!(read(line, 1), Some(("hello".into(), 0)));
        assert_eq!(read(line, 1), Some(("a".into(), 1)));
        assert_eq!(read(line, 1), Some(("b".into(), 2)));
    }
    assert_eq!(read(&stranger, 1), Some(("hello".into(), 0)));
    assert_eq!(read(&stranger, 1), None);
}

#[test]
fn a_cut_line_is_resumed_from_where_the_client_was() {
    let (hub, line) = hub();
    for text in ["a", "b"] {
        publish(&hub, text);
    }
    read(&line, 1);
    read(&line, 1);
    hub.detach(&line, 1);
    // The client has seen `hello` only: number 1 was lost with the socket.
    let (again, socket) = hub.resume(&line.id, USER, random_id(), 1).unwrap();
    assert_eq!(read(&again, socket), Some(("a".into(), 1)));
    assert_eq!(read(&again, socket), Some(("b".into(), 2)));
    assert_eq!(ending(&line, 1), Some(Ending::Replaced));
}

#[test]
fn nobody_else_resumes_a_line() {
    let (hub, line) = hub();
    let session = random_id();
    assert!(hub.resume(&line.id, UserNo(2), session, 0).is_none());
    assert!(hub.resume(&line.id, USER, session, 9).is_none());
    assert!(hub.resume("other", USER, session, 0).is_none());
}

#[test]
fn a_resumed_line_ends_with_the_session_that_resumed_it() {
    let hub = Hub::default();
    let (first, second) = (random_id(), random_id());
    let (line, _) = hub.open(USER, first, |_| "hello".into()).unwrap();
    let (_, socket) = hub.resume(&line.id, USER, second, 0).unwrap();
    hub.close_session(first);
    assert_eq!(ending(&line, socket), None);
    hub.close_session(second);
    assert_eq!(ending(&line, socket), Some(Ending::SessionEnded));
    assert_eq!(hub.lines(), 0);
}

#[test]
fn a_slow_client_loses_its_line_by_frames_and_by_bytes() {
    let (hub, line) = hub();
    for _ in 0..FRAMES_WAITING_MAX {
        publish(&hub, "x");
    }
    assert_eq!(ending(&line, 1), Some(Ending::TooSlow));
    let line = open(&hub, USER);
    read(&line, 1);
    let half = "x".repeat(WAITING_BYTES_MAX / 2);
    publish(&hub, &half);
    publish(&hub, &half);
    assert!(!line.is_over());
    publish(&hub, "x");
    assert_eq!(ending(&line, 1), Some(Ending::TooSlow));
    assert_eq!((hub.lines(), hub.held_bytes()), (0, 0));
}

#[test]
fn what_was_sent_is_kept_up_to_a_number_and_bytes() {
    let (hub, line) = hub();
    read(&line, 1);
    for _ in 0..FRAMES_SENT_KEPT + 10 {
        publish(&hub, "x");
        read(&line, 1);
    }
    assert!(hub.resume(&line.id, USER, random_id(), 5).is_none());
    let (line, socket) = hub.resume(&line.id, USER, random_id(), 11).unwrap();
    while read(&line, socket).is_some() {}
    let large = "x".repeat(SENT_BYTES_KEPT / 2);
    for _ in 0..10 {
        publish(&hub, &large);
        read(&line, socket);
        assert!(line.bytes() <= SENT_BYTES_KEPT);
    }
}

#[test]
fn a_user_holds_no_more_than_their_share() {
    let (hub, other) = (Hub::default(), UserNo(2));
    let other = open(&hub, other);
    let lines: Vec<_> = (0..LINES_PER_USER_MAX).map(|_| open(&hub, USER)).collect();
    let text = "x".repeat(WAITING_BYTES_MAX / 2);
    hub.publish(None, |user| (user == USER).then(|| frame(&hub, &text)));
    let bytes: usize = lines.iter().map(|line| line.bytes()).sum();
    assert!(bytes <= USER_BYTES_MAX && bytes > USER_BYTES_MAX / 2);
    assert_eq!(read(&other, 1), Some(("hello".into(), 0)));
}

#[test]
fn all_lines_hold_no_more_than_the_whole_and_history_goes_first() {
    let hub = Hub::default();
    let slow: Vec<_> = (0..40).map(|n| open(&hub, UserNo(n))).collect();
    let reading = open(&hub, UserNo(99));
    let text = "x".repeat(WAITING_BYTES_MAX / 4);
    let (mut end, mut ended) = (0, 0);
    for round in 0..3 {
        // Each user gets a text of their own, so nothing is shared.
        hub.publish(None, |_| Some(frame(&hub, &text)));
        while read(&reading, 1).is_some() {
            end += 1;
        }
        assert!(hub.held_bytes() <= BYTES_MAX, "round {round}");
        ended = slow.iter().filter(|line| line.is_over()).count();
    }
    assert!(ended > 0 && ended < 40, "{ended}");
    assert_eq!(end, 4, "a client that reads loses nothing");
}

#[test]
fn a_text_that_all_read_is_held_once() {
    let hub = Hub::default();
    let _lines: Vec<_> = (0..100).map(|n| open(&hub, UserNo(n))).collect();
    let before = hub.held_bytes();
    publish(&hub, &"x".repeat(1 << 20));
    assert!(hub.held_bytes() - before < (1 << 20) + 1_000);
}

#[test]
fn a_session_that_ends_takes_its_lines_along() {
    let hub = Hub::default();
    let session = random_id();
    let (line, _) = hub.open(USER, session, |_| "hello".into()).unwrap();
    hub.close_session(random_id());
    assert_eq!(hub.lines(), 1);
    hub.close_session(session);
    assert_eq!(hub.lines(), 0);
    assert_eq!(ending(&line, 1), Some(Ending::SessionEnded));
}

#[test]
fn lines_of_a_user_are_limited_and_those_without_a_socket_do_not_count() {
    let hub = Hub::default();
    let lines: Vec<_> = (0..LINES_PER_USER_MAX).map(|_| open(&hub, USER)).collect();
    assert!(hub.open(USER, random_id(), |_| "hello".into()).is_none());
    open(&hub, UserNo(2));
    for line in &lines {
        hub.detach(line, 1);
    }
    assert_eq!(hub.lines(), DETACHED_PER_USER_MAX + 1, "the last ones wait");
    let last = &lines[LINES_PER_USER_MAX - 1];
    assert!(hub.resume(&last.id, USER, random_id(), 0).is_some());
    for _ in 1..LINES_PER_USER_MAX {
        open(&hub, USER);
    }
    assert!(hub.open(USER, random_id(), |_| "hello".into()).is_none());
}

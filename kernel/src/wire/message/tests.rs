use super::*;

fn with<T>(json: &str, act: impl FnOnce(Result<SyncMessage<'_>, JsonError>) -> T) -> T {
    let document = Document::parse(json.as_bytes()).unwrap();
    act(SyncMessage::decode(document.root()))
}

#[test]
fn of_two_profiles_under_one_key_the_last_counts_and_the_order_stays() {
    let json = r#"{"users":{"b":{"id":"1"},"a":{"id":"2"},"b":{"id":"3"},"B":{"id":"4"}}}"#;
    let ids = with(json, |message| -> Vec<String> {
        let users = message.unwrap().users.into_iter();
        users.map(|(_, user)| user.unwrap().id).collect()
    });
    assert_eq!(ids, ["2", "3", "4"]);
}

#[test]
fn a_bad_item_is_named_by_its_id() {
    let json = r#"{"posts":[{"id":"p1","message":7},{"id":"p2"},null,{"id":7},
        {"id":"p3","file_ids":{}},{"id":"p4","props":[]}]}"#;
    let posts = with(json, |message| -> Vec<Result<String, String>> {
        let posts = message.unwrap().posts.into_iter();
        posts
            .map(|(_, post)| post.map(|post| post.id).map_err(|bad| bad.id))
            .collect()
    });
    let bad = |id: &str| Err(id.to_string());
    assert_eq!(
        posts,
        [
            bad("p1"),
            Ok("p2".into()),
            bad(""),
            bad(""),
            bad("p3"),
            bad("p4")
        ]
    );
}

#[test]
fn a_section_of_another_shape_is_an_error_of_the_message() {
    for json in [
        "[]",
        "null",
        r#""text""#,
        r#"{"posts":{}}"#,
        r#"{"users":[]}"#,
        r#"{"reactions":1}"#,
        r#"{"mention_transforms":[]}"#,
        r#"{"statuses":{}}"#,
        r#"{"channel_id":1}"#,
    ] {
        assert!(with(json, |message| message.is_err()), "{json}");
    }
    let nulls = r#"{"posts":null,"users":null,"reactions":null,"mention_transforms":null,
        "statuses":null,"channel_id":null,"unknown":[{}]}"#;
    assert!(with(nulls, |message| message.is_ok()));
}

#[test]
fn what_is_not_carried_out_is_counted() {
    let json = r#"{"channel_id":"c","statuses":[{},1],
        "membership_changes":[{},{},{}],"mention_transforms":{"a":"1","b":2,"c":null},
        "posts":[{"id":"p","file_ids":["f1","f2"]}]}"#;
    with(json, |message| {
        let message = message.unwrap();
        assert_eq!(
            (message.statuses.len(), message.membership_changes.len()),
            (2, 3)
        );
        let mentions = [("a".into(), "1".into()), ("c".into(), String::new())];
        assert_eq!(message.mention_transforms, mentions);
        let post = message.posts.first().unwrap().1.as_ref().unwrap();
        assert_eq!(post.file_ids, ["f1", "f2"]);
    });
}

#[test]
fn kept_objects_stay_byte_for_byte() {
    let props = r#"{ "b":1.0e2, "a" : "\ud800\u00e9", "b":null }"#;
    let json = format!(r#"{{"posts":[{{"props":{props}}}],"users":{{"u":{{"props":{{}}}}}}}}"#);
    with(&json, |message| {
        let message = message.unwrap();
        let post = message.posts.first().unwrap().1.clone().unwrap();
        assert_eq!(post.props, props);
        let mut writer = JsonWriter::new();
        post.encode(&mut writer, Generation::V11);
        let text = String::from_utf8(writer.finish()).unwrap();
        assert!(text.contains(&format!(r#""props":{props},"hashtags""#)));
        let user = message.users.first().unwrap().1.clone().unwrap();
        assert_eq!(user.props, "");
    });
}

#[test]
fn an_invitation_to_a_server_of_2021_names_the_team_it_asked_for() {
    let invite = ChannelInvite {
        channel_id: "c".into(),
        team_id: "t".into(),
        kind: "O".into(),
        ..ChannelInvite::default()
    };
    for generation in [Generation::V2021, Generation::V11] {
        let bytes = invite.encode(JsonWriter::new(), generation, password());
        let document = Document::parse(&bytes).unwrap();
        assert_eq!(ChannelInvite::decode(document.root()).unwrap(), invite);
        let newer = document.root().get("creator_id").is_some();
        assert_eq!(newer, generation == Generation::V11);
    }
}

fn password() -> Id {
    Id::from_uuid_bytes([7; 16])
}

#[test]
fn an_invitation_to_a_direct_channel_names_its_people() {
    let id = |letter: &str| letter.repeat(26);
    let invite = ChannelInvite {
        channel_id: id("c"),
        kind: "G".into(),
        creator_id: id("a"),
        participant_ids: vec![id("a"), id("b"), id("d")],
        participants: vec![WireUser {
            id: id("a"),
            username: "ann".into(),
            timezone: DEFAULT_TIMEZONE.into(),
            ..WireUser::default()
        }],
        ..ChannelInvite::default()
    };
    let bytes = invite.encode(JsonWriter::new(), Generation::V11, password());
    let document = Document::parse(&bytes).unwrap();
    assert_eq!(ChannelInvite::decode(document.root()).unwrap(), invite);
    // A server of 2021 does not know profiles in invitations.
    let bytes = invite.encode(JsonWriter::new(), Generation::V2021, password());
    let document = Document::parse(&bytes).unwrap();
    assert!(document.root().get("direct_participants").is_none());
    let read = ChannelInvite::decode(document.root()).unwrap();
    assert_eq!(read.participant_ids, invite.participant_ids);
}

#[test]
fn of_too_many_people_in_an_invitation_one_more_is_read() {
    let list = |item: &str| vec![item; 1_000].join(",");
    let json = format!(
        r#"{{"direct_participant_ids":[{}],"direct_participants":[{}]}}"#,
        list(r#""x""#),
        list("{}")
    );
    let document = Document::parse(json.as_bytes()).unwrap();
    let invite = ChannelInvite::decode(document.root()).unwrap();
    assert_eq!(
        (invite.participant_ids.len(), invite.participants.len()),
        (9, 9)
    );
}

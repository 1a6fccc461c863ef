//! The names of users of peers in this workspace.

use super::*;

impl World {
    fn named(&self, letters: &str) -> String {
        self.user(letters).unwrap().username
    }

    /// Connects a workspace and shares `joint` with it.
    fn join(&mut self, name: &str) -> ConnectionNo {
        let no = self.connect(name, PeerKind::Mattermost11);
        self.share(self.channel_no("joint").unwrap(), no);
        no
    }
}

#[test]
fn nobody_is_named_after_a_connection_but_the_users_who_come_over_it() {
    let mut world = World::with_peers_of_today();
    let long = "r".repeat(60);
    let cut = format!("cfo:{}...", "r".repeat(50));
    for (letters, told, name) in [
        ("eva", "cfo:globex", "cfo.globex:acme"),
        ("zoe", "cfo:other", "cfo.other:acme"),
        ("kim", "cfo:acme", "cfo.acme:acme"),
        ("lea", "cfo:oth:er", "cfo.oth.er:acme"),
        ("mia", "cfo:globex", "cfo.globex-2:acme"),
    ] {
        world.sync(ACME, users(&[user(letters, told)]));
        assert_eq!(world.named(letters), name);
    }
    world.sync(ACME, users(&[user("nina", &cut)]));
    let (globex, longer) = (world.join("globex"), world.join(&long));
    world.sync(globex, users(&[user("cfoa", "cfo")]));
    world.sync(longer, users(&[user("cfob", "cfo")]));
    assert_eq!(world.named("cfoa"), "cfo:globex");
    assert_eq!(world.named("cfob"), format!("cfo:{long}"));
    assert!(world.named("nina").ends_with(":acme"));
}

#[test]
fn who_bears_the_name_of_a_connection_wrongly_gives_way_to_it() {
    let mut world = World::with_peers();
    let since_ms = START;
    world.step(|tx| tx.put(&Behaviour::Founding.number(), &InForce { since_ms }));
    let squatters = [user("eva", "cfo:globex"), user("zoe", "ceo:globex")];
    world.sync(ACME, users(&squatters));
    assert_eq!(world.named("eva"), "cfo:globex", "as it was once");
    world.adopt();
    let globex = world.join("globex");
    // At once if a user of globex needs the name, in later steps for all others.
    world.sync(globex, users(&[user("cfoa", "cfo")]));
    assert_eq!(world.named("cfoa"), "cfo:globex");
    assert_eq!(world.named("eva"), "cfo.globex:acme");
    world.run_due();
    assert_eq!(world.named("zoe"), "ceo.globex:acme");
    assert_eq!(world.named("ann"), "ann:acme");
    assert_eq!(lookup::username(&world.host, "ceo:globex"), None);
}

#[test]
fn users_of_a_connection_that_is_gone_do_not_pass_for_those_of_its_name() {
    let mut world = World::with_peers_of_today();
    world
        .act(Actor::System, acts::remove_connection(ACME))
        .unwrap();
    world.run_due();
    assert_eq!(world.named("ann"), "ann:acme", "nobody else is called so");
    let anew = world.join("acme");
    world.sync(anew, users(&[user("annb", "ann"), user("bea", "bea")]));
    assert_eq!(world.named("annb"), "ann:acme");
    assert_eq!(world.named("ann"), "ann:acme-2");
    world.run_due();
    assert_eq!(world.named("ann"), "ann:acme-2");
}

#[test]
fn an_attached_workspace_has_its_names_back() {
    let mut world = World::with_peers_of_today();
    world
        .act(Actor::System, acts::remove_connection(ACME))
        .unwrap();
    world.run_due();
    let anew = world.connect("acme-again", PeerKind::Mattermost11);
    world
        .act(Actor::System, acts::attach_connection(anew, ACME))
        .unwrap();
    world.run_due();
    assert_eq!(world.named("ann"), "ann:acme-again");
}

#[test]
fn a_connection_is_not_named_so_that_its_users_look_like_those_of_another() {
    let mut world = World::with_peers_of_today();
    let mut create = |name: &str| world.act(Actor::System, acts::create_connection(name));
    let r = "r".repeat(28);
    create(&format!("{r}-west")).unwrap();
    let refused = create(&format!("{r}-east")).unwrap_err();
    assert!(
        refused.message.contains(&format!("`{r}-west`")),
        "{refused:?}"
    );
    assert_eq!(refused.id, "api.remote_cluster.save.app_error");
    create(&r).unwrap();
}

#[test]
fn a_profile_that_claims_to_come_over_another_connection_is_refused() {
    let mut world = World::with_peers_of_today();
    let other = world.get::<Connection>(&OTHER).remote_id;
    let own = world.get::<Connection>(&ACME).remote_id;
    let told = |letters: &str, remote_id: &str| {
        with(user(letters, letters), json!({"remote_id": remote_id}))
    };
    let list = [
        told("eva", other.as_str()),
        told("bea", own.as_str()),
        told("kim", &id("theirs")),
    ];
    let response = world.sync(ACME, users(&list));
    assert_eq!(response["users_syncd"], json!([id("bea"), id("kim")]));
    assert_eq!(world.refused(), [("claimed_origin".to_string(), 1)]);
    assert!(world.user("eva").is_none());
}

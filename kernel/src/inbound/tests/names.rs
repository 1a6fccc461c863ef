//! What users of peers are called here, whatever the peers call them.

use super::*;
use crate::boundary::behaviour::{self, Behaviour, InForce};
use crate::command::{AttachConnection, Command, CreateConnection, RemoveConnection};

fn users(list: &[Value]) -> Value {
    let named = list.iter().enumerate();
    let map: serde_json::Map<String, Value> = named
        .map(|(n, user)| (format!("{n:02}"), user.clone()))
        .collect();
    json!({"users": map})
}

impl World {
    fn named(&self, letters: &str) -> String {
        self.user(letters).unwrap().username
    }

    /// Connects a workspace and shares `joint` with it.
    fn join(&mut self, name: &str) -> ConnectionNo {
        self.step(|tx| {
            let boss = lookup::user(tx, &id("boss")).unwrap();
            let no = connect(tx, name, boss);
            let joint = lookup::channel(tx, &id("joint")).unwrap();
            share(tx, joint, no, boss);
            let row = tx.get::<Connection>(&no).unwrap();
            remote_names::taken(tx, &row);
            no
        })
    }
}

#[test]
fn nobody_is_named_after_a_connection_but_the_users_who_come_over_it() {
    let mut world = World::of_today();
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
    let mut world = World::new();
    let since_ms = START;
    world.step(|tx| tx.put(&Behaviour::Founding.number(), &InForce { since_ms }));
    let squatters = [user("eva", "cfo:globex"), user("zoe", "ceo:globex")];
    world.sync(ACME, users(&squatters));
    assert_eq!(world.named("eva"), "cfo:globex", "as it was once");
    world.step(|tx| behaviour::adopt(tx).unwrap());
    let globex = world.join("globex");
    // At once for who comes, and for all the others in the steps that follow.
    world.sync(globex, users(&[user("cfoa", "cfo")]));
    assert_eq!(world.named("cfoa"), "cfo:globex");
    assert_eq!(world.named("eva"), "cfo.globex:acme");
    world.settle();
    assert_eq!(world.named("zoe"), "ceo.globex:acme");
    assert_eq!(world.named("ann"), "ann:acme");
    assert_eq!(lookup::username(&world.host, "ceo:globex"), None);
}

#[test]
fn users_of_a_connection_that_is_gone_do_not_pass_for_those_of_its_name() {
    let mut world = World::of_today();
    world
        .command(Command::RemoveConnection(RemoveConnection {
            connection: ACME,
        }))
        .unwrap();
    world.step(|tx| tx.unbind_name(kind::CONNECTION_NAME, "acme"));
    world.settle();
    assert_eq!(world.named("ann"), "ann:acme", "nobody else is called so");
    let anew = world.join("acme");
    world.sync(anew, users(&[user("annb", "ann"), user("bea", "bea")]));
    assert_eq!(world.named("annb"), "ann:acme");
    assert_eq!(world.named("ann"), "ann:acme-2");
    world.settle();
    assert_eq!(world.named("ann"), "ann:acme-2");
}

#[test]
fn an_attached_workspace_has_its_names_back() {
    let mut world = World::of_today();
    world
        .command(Command::RemoveConnection(RemoveConnection {
            connection: ACME,
        }))
        .unwrap();
    world.settle();
    let anew = world.step(|tx| {
        let boss = lookup::user(tx, &id("boss")).unwrap();
        connect(tx, "acme-again", boss)
    });
    let (connection, previous) = (anew, ACME);
    world
        .command(Command::AttachConnection(AttachConnection {
            connection,
            previous,
        }))
        .unwrap();
    world.settle();
    assert_eq!(world.named("ann"), "ann:acme-again");
}

#[test]
fn a_connection_is_not_named_so_that_its_users_look_like_those_of_another() {
    let mut world = World::of_today();
    let create = |name: String| {
        Command::CreateConnection(CreateConnection {
            name,
            display_name: String::new(),
            default_team_id: String::new(),
        })
    };
    let r = "r".repeat(28);
    world.command(create(format!("{r}-west"))).unwrap();
    let refused = world.command(create(format!("{r}-east"))).unwrap_err();
    assert!(
        refused.message.contains(&format!("`{r}-west`")),
        "{refused:?}"
    );
    assert_eq!(refused.id, "api.remote_cluster.save.app_error");
    world.command(create(r)).unwrap();
}

#[test]
fn a_profile_that_claims_to_come_over_another_connection_is_refused() {
    let mut world = World::of_today();
    let other = world.host.get::<Connection>(&OTHER).unwrap().remote_id;
    let own = world.host.get::<Connection>(&ACME).unwrap().remote_id;
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

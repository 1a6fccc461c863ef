//! Where people are at home, as questions say it.

use std::collections::BTreeMap;

use crate::boundary::policy::{Home, Person};
use crate::model::{Connection, PeerWorkspace, User};
use crate::rows::id::WorkspaceNo;
use crate::rows::tx::{Read, Tx};

/// The connections to the home workspaces of people.
#[derive(Default)]
pub(super) struct Homes(BTreeMap<WorkspaceNo, Option<Connection>>);

impl Homes {
    /// The homes of these people.
    pub(super) fn load<'u>(tx: &Tx<'_>, people: impl Iterator<Item = &'u User>) -> Homes {
        let mut homes = Homes::default();
        for person in people.filter(|person| !person.origin.is_ours()) {
            homes.0.entry(person.origin).or_insert_with(|| {
                let workspace = tx.get::<PeerWorkspace>(&person.origin)?;
                tx.get::<Connection>(&workspace.connection?)
            });
        }
        homes
    }

    /// The home of one of them.
    pub(super) fn of(&self, person: Option<&User>) -> Home<'_> {
        let Some(person) = person else {
            return Home::Elsewhere;
        };
        if person.origin.is_ours() {
            return Home::Here;
        }
        match self.0.get(&person.origin) {
            Some(Some(connection)) => Home::Connected {
                id: connection.remote_id.as_str(),
                name: &connection.name,
            },
            _ => Home::Elsewhere,
        }
    }

    /// One of them, as questions say it.
    pub(super) fn person<'q>(&'q self, user: &'q User) -> Person<'q> {
        Person {
            id: user.id.as_str(),
            name: &user.username,
            home: self.of(Some(user)),
        }
    }
}

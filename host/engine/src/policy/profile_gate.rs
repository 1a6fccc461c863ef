//! The gate of profiles.

use causeway_kernel::boundary::policy::{Gate, ProfileQuestion, ProfileRevision, Verdict};
use causeway_kernel::model::limits::{NAME_CHARS_MAX, POSITION_CHARS_MAX};
use wasmtime::Store;

use super::bindings::v0_3::causeway::policy::context::Crossing;
use super::bindings::v0_3::exports::causeway::policy::profile_gate::{
    Profile, Revision, Verdict as Answer,
};
use super::context::{crossing, person};
use super::exports::GateExports;
use super::guest::Guest;
use super::inquiry::{Inquiry, Ruling};

/// The question about a profile.
pub(super) fn inquiry(profile: &ProfileQuestion<'_>) -> impl Inquiry {
    Fields {
        crossing: crossing(&profile.passage),
        profile: Profile {
            person: person(&profile.person),
            nickname: profile.nickname.to_owned(),
            first_name: profile.first_name.to_owned(),
            last_name: profile.last_name.to_owned(),
            position: profile.position.to_owned(),
            email: profile.email.to_owned(),
        },
        revision: ProfileRevision::default(),
    }
}

/// A profile on its way through the chain.
struct Fields {
    crossing: Crossing,
    /// As earlier slots left it.
    profile: Profile,
    /// What they changed.
    revision: ProfileRevision,
}

impl Fields {
    fn revise(&mut self, revised: Revision) -> Result<Ruling, &'static str> {
        let Revision {
            nickname,
            first_name,
            last_name,
            position,
            email,
        } = revised;
        let is_long = |field: &Option<String>, chars_max: usize| {
            let field = field.as_ref();
            field.is_some_and(|text| text.chars().nth(chars_max).is_some())
        };
        let names = [&nickname, &first_name, &last_name];
        if names.into_iter().any(|it| is_long(it, NAME_CHARS_MAX))
            || is_long(&position, POSITION_CHARS_MAX)
        {
            return Err("a revised field is too long");
        }
        if email.as_ref().is_some_and(|email| !email.is_empty()) {
            return Err("it filled in an e-mail address, which may only be emptied");
        }
        let (profile, revision) = (&mut self.profile, &mut self.revision);
        replace(nickname, &mut profile.nickname, &mut revision.nickname);
        replace(
            first_name,
            &mut profile.first_name,
            &mut revision.first_name,
        );
        replace(last_name, &mut profile.last_name, &mut revision.last_name);
        replace(position, &mut profile.position, &mut revision.position);
        if email.is_some() {
            profile.email.clear();
            revision.without_email = true;
        }
        Ok(Ruling::Revise)
    }
}

/// Notes the new value of a field, if it has one.
fn replace(revised: Option<String>, shown: &mut String, noted: &mut Option<String>) {
    if let Some(text) = revised {
        shown.clone_from(&text);
        *noted = Some(text);
    }
}

impl Inquiry for Fields {
    type Answer = Answer;

    fn gate(&self) -> Gate {
        Gate::Profile
    }

    fn now_ms(&self) -> i64 {
        self.crossing.time_ms
    }

    fn connection_id(&self) -> &str {
        &self.crossing.connection.id
    }

    fn ask(&self, gates: &GateExports, store: &mut Store<Guest>) -> wasmtime::Result<Answer> {
        match &gates.profile_gate {
            Some(gate) => gate.call_decide(store, &self.crossing, &self.profile),
            None => Ok(Answer::Allow),
        }
    }

    fn take(&mut self, answer: Answer) -> Result<Ruling, &'static str> {
        match answer {
            Answer::Allow => Ok(Ruling::Allow),
            Answer::Deny(denial) => Ok(Ruling::Deny(denial)),
            Answer::Revise(revised) => self.revise(revised),
        }
    }

    fn verdict(self) -> Verdict {
        if self.revision == ProfileRevision::default() {
            Verdict::Allow
        } else {
            Verdict::ReviseProfile(self.revision)
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::policy::{Direction, Home, Passage, Person};

    use super::*;

    fn fields() -> Fields {
        let passage = Passage {
            direction: Direction::Outbound,
            connection_id: "",
            connection_name: "",
            now_ms: 0,
        };
        let whose = Person {
            id: "",
            name: "bea",
            home: Home::Here,
        };
        Fields {
            crossing: crossing(&passage),
            profile: Profile {
                person: person(&whose),
                nickname: "bee".into(),
                first_name: "Beatrix".into(),
                last_name: "Kiddo".into(),
                position: "chief".into(),
                email: String::new(),
            },
            revision: ProfileRevision::default(),
        }
    }

    fn nothing() -> Revision {
        Revision {
            nickname: None,
            first_name: None,
            last_name: None,
            position: None,
            email: None,
        }
    }

    #[test]
    fn revisions_compose_and_what_is_not_valid_changes_nothing() {
        let mut fields = fields();
        let first = Revision {
            nickname: Some("b".into()),
            position: Some("é".repeat(POSITION_CHARS_MAX)),
            ..nothing()
        };
        assert!(matches!(
            fields.take(Answer::Revise(first)),
            Ok(Ruling::Revise)
        ));
        let too_long = || Some("x".repeat(NAME_CHARS_MAX + 1));
        for wrong in [
            Revision {
                first_name: too_long(),
                ..nothing()
            },
            Revision {
                last_name: too_long(),
                ..nothing()
            },
            Revision {
                position: Some("x".repeat(POSITION_CHARS_MAX + 1)),
                ..nothing()
            },
            Revision {
                email: Some("bea@acme.example".into()),
                ..nothing()
            },
        ] {
            let wrong = Revision {
                nickname: Some("wrong".into()),
                ..wrong
            };
            assert!(fields.take(Answer::Revise(wrong)).is_err());
        }
        let last = Revision {
            nickname: Some(String::new()),
            email: Some(String::new()),
            ..nothing()
        };
        assert!(fields.take(Answer::Revise(last)).is_ok());
        assert_eq!(fields.profile.nickname, "");
        assert_eq!(fields.profile.first_name, "Beatrix");
        let revised = Verdict::ReviseProfile(ProfileRevision {
            nickname: Some(String::new()),
            first_name: None,
            last_name: None,
            position: Some("é".repeat(POSITION_CHARS_MAX)),
            without_email: true,
        });
        assert_eq!(fields.verdict(), revised);
    }

    #[test]
    fn an_empty_revision_is_none() {
        let mut fields = fields();
        assert!(fields.take(Answer::Revise(nothing())).is_ok());
        assert_eq!(fields.verdict(), Verdict::Allow);
    }
}

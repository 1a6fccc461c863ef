//! Acts of users: an act of the plan becomes requests of clients to their workspace.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;

use super::{Event, Waiter, World};
use crate::acts::scene::{Request, Scene};
use crate::acts::{Act, AtWorkspace};
use crate::dice::Dice;
use crate::oracle::Violation;

impl World<'_> {
    /// A user or an admin acts, if there is an object for the act.
    pub(super) fn act(&mut self, node: usize, act: Act, number: usize) -> Result<(), Violation> {
        let ask = match &act.spec().at_workspace {
            AtWorkspace::Asks(ask) => ask,
            AtWorkspace::Arranges(arrange) => return arrange(self, node),
        };
        let node = self.host(node);
        let mut dice = Dice::new(self.plan.seed, &format!("act {number}"));
        let shows = (node, &self.nodes[node].rows);
        let scene = Scene::new(shows, number, self.plan.long_texts, &mut dice);
        let Some(requests) = scene.and_then(|scene| ask(&scene, &mut dice)) else {
            return Ok(());
        };
        self.coverage.act(act);
        for request in requests {
            self.submit(request)?;
        }
        Ok(())
    }

    /// A client sends its request; with a key, it retries if the workspace does not run.
    pub(super) fn submit(&mut self, request: Request) -> Result<(), Violation> {
        if !self.nodes[request.node].is_serving || self.is_full(request.node) {
            self.client_is_cut(request.node, request);
            return Ok(());
        }
        let input = Input::Command {
            actor: request.actor,
            key: request.key.clone(),
            command: request.command.clone(),
        };
        let node = request.node;
        self.step(node, input, Waiter::Client(Box::new(request)))?;
        Ok(())
    }

    /// A client did not get its answer. With a key it may repeat the request.
    pub(super) fn client_is_cut(&mut self, node: usize, request: Request) {
        if request.key.is_some() && !self.is_healed {
            let at_ms = self.now_ms + self.machines.between(1_000, 40_000);
            self.agenda.at(at_ms, Event::Again(Box::new(request)));
        } else {
            let name = self.nodes[node].name();
            self.tell(format!("At {name} nobody hears whether {}.", request.told));
        }
    }

    /// A client got its answer.
    pub(super) fn served(&mut self, node: usize, request: &Request, reply: &Reply) {
        if !self.is_told() {
            return;
        }
        let name = self.nodes[node].name();
        match reply {
            Reply::Refused(refusal) => self.tell(format!(
                "At {name} {} – refused: {}.",
                request.told, refusal.id
            )),
            Reply::Done
            | Reply::Object(_)
            | Reply::Text(_)
            | Reply::Http { .. }
            | Reply::Unfinished { .. } => {
                self.tell(format!("At {name} {}.", request.told));
            }
        }
    }
}

//! What the federation counts.

use std::sync::atomic::{AtomicU64, Ordering};

use causeway_kernel::boundary::input::SendOutcome;

use crate::metrics::{Page, Reasons};

/// Counters of one service.
#[derive(Default)]
pub(super) struct FederationCounters {
    answered: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    never_left: AtomicU64,
    pings_answered: AtomicU64,
    pings_failed: AtomicU64,
    turned_away: AtomicU64,
    confirmed: AtomicU64,
    refused_requests: Reasons,
    refused_codes: Reasons,
}

impl FederationCounters {
    pub(super) fn count_send(&self, outcome: &SendOutcome) {
        let counter = match outcome {
            SendOutcome::Answered(_) => &self.answered,
            SendOutcome::Refused(_) => &self.refused,
            SendOutcome::Unknown => &self.unknown,
            SendOutcome::NeverLeft => &self.never_left,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_ping(&self, answered: bool) {
        let counter = if answered {
            &self.pings_answered
        } else {
            &self.pings_failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A request did not pass the gate.
    pub(super) fn count_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// A request of a peer was refused with this error id.
    pub(super) fn count_refused_request(&self, id: &str) {
        self.refused_requests.add(id, 1);
    }

    /// An invitation code was not accepted, for the reason of this error id.
    pub(super) fn count_refused_code(&self, id: &str) {
        self.refused_codes.add(id, 1);
    }

    /// A handshake ended well.
    pub(super) fn count_confirmed(&self) {
        self.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn render(&self, page: &mut Page) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        page.family(
            "causeway_federation_sends_total",
            "counter",
            "Messages sent to peers, by what became of them.",
        );
        for (outcome, counter) in [
            ("answered", &self.answered),
            ("refused", &self.refused),
            ("unknown", &self.unknown),
            ("never_left", &self.never_left),
        ] {
            page.sample(&[("outcome", outcome)], read(counter));
        }
        page.family(
            "causeway_federation_pings_total",
            "counter",
            "Pings to peers.",
        );
        page.sample(&[("outcome", "answered")], read(&self.pings_answered));
        page.sample(&[("outcome", "failed")], read(&self.pings_failed));
        page.single(
            "causeway_federation_turned_away_total",
            "counter",
            "Requests to the peers' endpoints without a valid token.",
            read(&self.turned_away),
        );
        page.single(
            "causeway_federation_handshakes_total",
            "counter",
            "Handshakes that ended with a connection.",
            read(&self.confirmed),
        );
        page.family(
            "causeway_federation_requests_refused_total",
            "counter",
            "Refused requests of peers by error id.",
        );
        self.refused_requests.render(page, "id");
        page.family(
            "causeway_federation_codes_refused_total",
            "counter",
            "Invitation codes that could not be accepted, by error id.",
        );
        self.refused_codes.render(page, "id");
    }
}

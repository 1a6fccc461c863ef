//! Counters of the federation.

use std::fmt;

use causeway_kernel::boundary::input::SendOutcome;
use prometheus_client::metrics::counter::Counter;

use crate::metrics::{Page, Reasons};

/// Counters of one service.
#[derive(Debug)]
pub(super) struct FederationCounters {
    answered: Counter,
    refused: Counter,
    unknown: Counter,
    never_left: Counter,
    pings_answered: Counter,
    pings_failed: Counter,
    turned_away: Counter,
    confirmed: Counter,
    refused_requests: Reasons,
    refused_codes: Reasons,
}

impl Default for FederationCounters {
    fn default() -> FederationCounters {
        FederationCounters {
            answered: Counter::default(),
            refused: Counter::default(),
            unknown: Counter::default(),
            never_left: Counter::default(),
            pings_answered: Counter::default(),
            pings_failed: Counter::default(),
            turned_away: Counter::default(),
            confirmed: Counter::default(),
            refused_requests: Reasons::new("id"),
            refused_codes: Reasons::new("id"),
        }
    }
}

impl FederationCounters {
    pub(super) fn count_send(&self, outcome: &SendOutcome) {
        let counter = match outcome {
            SendOutcome::Answered(_) => &self.answered,
            SendOutcome::Refused(_) => &self.refused,
            SendOutcome::Unknown => &self.unknown,
            SendOutcome::NeverLeft => &self.never_left,
        };
        counter.inc();
    }

    pub(super) fn count_ping(&self, answered: bool) {
        let counter = if answered {
            &self.pings_answered
        } else {
            &self.pings_failed
        };
        counter.inc();
    }

    /// Counts a request that did not pass the gate.
    pub(super) fn count_turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts a peer's request that was refused with this error id.
    pub(super) fn count_refused_request(&self, id: &str) {
        self.refused_requests.add(id, 1);
    }

    /// Counts an invitation code that was not accepted, by error id.
    pub(super) fn count_refused_code(&self, id: &str) {
        self.refused_codes.add(id, 1);
    }

    /// Counts a successful handshake.
    pub(super) fn count_confirmed(&self) {
        self.confirmed.inc();
    }

    pub(super) fn encode(&self, page: &mut Page<'_>) -> fmt::Result {
        page.labelled(
            "causeway_federation_sends",
            "Messages sent to peers, by outcome.",
            [
                (&[("outcome", "answered")], &self.answered),
                (&[("outcome", "refused")], &self.refused),
                (&[("outcome", "unknown")], &self.unknown),
                (&[("outcome", "never_left")], &self.never_left),
            ],
        )?;
        page.labelled(
            "causeway_federation_pings",
            "Pings to peers.",
            [
                (&[("outcome", "answered")], &self.pings_answered),
                (&[("outcome", "failed")], &self.pings_failed),
            ],
        )?;
        page.metric(
            "causeway_federation_turned_away",
            "Requests to the peers' endpoints without a valid token.",
            &self.turned_away,
        )?;
        page.metric(
            "causeway_federation_handshakes",
            "Handshakes that ended with a connection.",
            &self.confirmed,
        )?;
        page.metric(
            "causeway_federation_requests_refused",
            "Refused requests of peers by error id.",
            &self.refused_requests.counts,
        )?;
        page.metric(
            "causeway_federation_codes_refused",
            "Invitation codes that could not be accepted, by error id.",
            &self.refused_codes.counts,
        )
    }
}

//! Journeys of users and administrators through real processes on loopback.

mod client_library;
mod first_steps;
mod outage;
mod pair;
mod resend;

//! Journeys of users and administrators through real processes on loopback.

mod client_library;

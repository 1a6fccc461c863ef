//! Journeys of users and administrators through real processes on loopback.

mod acknowledgements;
mod client_library;
mod connections;
mod damage;
mod demo;
mod first_steps;
mod full_disk;
mod invitations;
mod kill;
mod large_answers;
mod login;
mod mentions;
mod metrics;
mod moderation;
mod operator;
mod outage;
mod owner;
mod pair;
mod policy;
mod relocated;
mod resend;
mod session;
mod session_api;
mod session_file;
mod upgrade;
mod websocket;

//! Shared test code: a small REST and WebSocket client, real `causeway` processes to use it
//! on, and helpers that the demo, the journeys and the benches share.

pub mod cable;
pub mod client;
pub mod command;
pub mod form;
pub mod handmade;
pub mod hosted;
pub mod older_data;
pub mod peer;
pub mod process;
pub mod recordings;
pub mod scene;
pub mod simulated;
pub mod socket;
pub mod warm;
pub mod websocket;

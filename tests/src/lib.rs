//! What spans the parts: a small REST and WebSocket client, real `causeway` processes to point it
//! at, and what the demo, the journeys and the benches share.

pub mod cable;
pub mod client;
pub mod command;
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

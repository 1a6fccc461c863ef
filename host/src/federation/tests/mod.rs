//! Hosts that communicate over real sockets, with real vaults and engines.

mod gate;
mod handshake;
mod host;
mod peer;
mod sending;

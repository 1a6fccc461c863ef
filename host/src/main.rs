//! The service's binary; see [`causeway`].

fn main() {}

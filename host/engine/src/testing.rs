//! The parts that make a data directory survive a power cut, for tests that drive them call by call
//! on disks that lose, tear and refuse writes. The service uses [`crate::Engine`].

pub use crate::data_dir::layout::Layout;
pub use crate::data_dir::recover::{Recovered, recover};
pub use crate::replay::replayer::Replayer;
pub use crate::step::{CarriedOut, Stamp, carry_out, record};
pub use crate::store::{MemoryTable, Tables, View};

//! The parts that bring a data directory through a power cut, for tests that drive them one call
//! at a time, over disks that forget, tear and fail. The service uses [`crate::Engine`].

pub use crate::data_dir::layout::Layout;
pub use crate::data_dir::recover::{Recovered, recover};
pub use crate::replay::replayer::Replayer;
pub use crate::step::{CarriedOut, Stamp, carry_out, record};
pub use crate::store::{MemoryTable, Tables, View};

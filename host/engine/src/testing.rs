//! The parts that make a data directory survive a power cut, for tests that drive them call by call
//! on disks that lose, tear and refuse writes, and the writer's queue, for tests that measure waiting
//! in fuel. The service uses [`crate::Engine`].

pub use crate::data_dir::layout::Layout;
pub use crate::data_dir::recover::{Recovered, recover};
pub use crate::replay::replayer::Replayer;
pub use crate::step::{CarriedOut, Stamp, carry_out, record};
pub use crate::store::{MemoryTable, Tables, View};
pub use crate::writer::queue::{Job, Next, Queue, Source};

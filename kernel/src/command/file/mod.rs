//! Files: adding them. A post takes them when it is written, and they are removed with it. Client API §8.

mod add;

pub use add::AddFile;

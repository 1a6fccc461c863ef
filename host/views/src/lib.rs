//! What clients see of a workspace: [`query`] finds rows, within bounds; [`json`] turns them into the objects
//! of the client API. Nothing is decided here; the kernel's [`authority`](causeway_kernel::authority) decides
//! beforehand whether somebody may see an object.

pub mod json;
pub mod query;

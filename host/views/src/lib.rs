//! What clients see of a workspace: [`query`] finds rows, within bounds; [`json`] makes of them the
//! objects of the client API. Nothing is decided here; whether somebody may see an object is asked of the
//! kernel's [`authority`](causeway_kernel::authority) before.

pub mod json;
pub mod query;

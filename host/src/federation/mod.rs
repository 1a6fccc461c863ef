//! Federation: connections to other workspaces over Mattermost's server-to-server protocol.

pub mod invitation;
mod site_url;

pub use site_url::{SITE_URL_BYTES_MAX, SiteUrl};

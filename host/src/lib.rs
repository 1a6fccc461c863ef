//! The Causeway service: everything around the workspace's one state machine.

pub mod api;
pub mod cli;
pub mod commands;
pub mod config;
pub mod export;
mod export_log;
pub mod federation;
pub mod http;
pub mod metrics;
pub mod service;
pub mod vault;

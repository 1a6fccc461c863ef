//! The Causeway service: everything around the workspace's one state machine.

pub mod api;
pub mod app;
pub mod cli;
pub mod client_address;
pub mod commands;
pub mod config;
mod configuration;
pub mod export;
mod export_log;
pub mod federation;
pub mod files;
pub mod http;
pub mod hub;
pub mod integrations;
pub mod login_limit;
pub mod metrics;
pub mod presence;
pub mod service;
pub mod vault;
pub mod web_client;

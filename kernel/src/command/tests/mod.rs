//! Tests of the commands, through whole steps.

mod accounts;
mod acknowledgements;
mod channel_changes;
mod channels;
mod claims;
mod components;
mod direct;
mod emoji;
mod files;
mod personal;
mod pictures;
mod posts;
mod priorities;
mod properties;
mod reactions;
mod roles;
mod teams;
mod versions;

use super::*;
use crate::boundary::output::{Event, Object};
use crate::model::{Channel, ChannelKind, Post};
use crate::rows::id::{ChannelNo, PostNo, UserNo};
use crate::rows::tx::Read;
use crate::testing::acts::*;
use crate::testing::{ADMIN, ANN, BOB, EVE, TEAM, TICK_MS, TOWN, World};

//! A backlog through the default gates of both sides, against one without any.

use anyhow::Result;
use causeway_tests::process::Workspace;

use super::install::{close_gates, open_gates};
use crate::hosts::{Pair, backlog};
use crate::line::{Line, line};

/// Whether each backlog passes gates: in this order, whatever changes in the course of time affects both alike.
const GATED: [bool; 4] = [false, true, true, false];

/// Leaves the gates open.
pub async fn run(pair: &Pair, mut globex: Workspace, posts: usize) -> Result<(Line, Workspace)> {
    let sides = [&pair.acme, &pair.globex];
    let mut rates = [0.0; 2];
    for is_gated in GATED {
        if is_gated {
            for side in sides {
                close_gates(side).await?;
            }
        }
        let ready = backlog::prepare(pair, globex, posts).await?;
        let came = ready.arrive(pair).await?;
        rates[usize::from(is_gated)] += came.posts_per_second;
        globex = came.globex;
        if is_gated {
            for side in sides {
                open_gates(side).await?;
            }
        }
    }
    let [open, gated] = rates.map(|sum| sum / 2.0);
    let found = line(
        "backlog through the default gates, of the rate without, posts/s",
        format!(
            "{:.0} % ({gated:.0} of {open:.0})",
            100.0 * gated / open.max(1.0)
        ),
        "80 %",
    );
    Ok((found, globex))
}

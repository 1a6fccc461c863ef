//! How local users are affected during an attack: the latency of their posts compared with quiet times,
//! and the memory that an attack takes and keeps.

mod client;
mod peer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use causeway_tests::client::Client;
use causeway_tests::handmade::{self, Handmade};
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{self, Side};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::line::{Line, line};
use crate::spread::{ms, percentile};

/// How long people write while there is no attack, and the minimum duration of watching one.
const WATCHED: Duration = Duration::from_secs(4);
/// Pause of a person between two posts.
const PAUSE: Duration = Duration::from_millis(10);

/// A workspace, a peer with a shared channel, and a person who writes in another channel.
struct Site {
    workspace: Workspace,
    side: Side,
    peer: Handmade,
    /// The shared channel.
    shared: String,
    person: Client,
    /// Where the person writes.
    own: String,
}

type Attack<'s> = BoxFuture<'s, Result<()>>;

/// Measures, and shows every line as soon as it is known.
pub async fn run(mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    let data = folder.path().join("attacked");
    let site = Site::prepare(&data).await?;
    let quiet = site.watch(async { Ok(()) }.boxed()).await?;
    show(&quiet.line("nobody attacks"));
    let attacks: [(&str, Attack<'_>); 8] = [
        (
            "a peer removes and adds reactions of one post",
            peer::reactions(&site).boxed(),
        ),
        (
            "a peer's posts of the year 9999",
            peer::far_future(&site).boxed(),
        ),
        ("a peer's invented people", peer::people(&site).boxed()),
        (
            "a peer's invitations to channels",
            peer::invitations(&site).boxed(),
        ),
        (
            "one large post, asked for 1,000 times by 50 slow readers",
            client::slow_readers(&site).boxed(),
        ),
        (
            "wrong logins with names of 900 kB",
            client::long_names(&site).boxed(),
        ),
        (
            "silent connections, people on new ones",
            client::silence(&site).boxed(),
        ),
        (
            "users who write as fast as they can",
            client::writers(&site).boxed(),
        ),
    ];
    for (name, attack) in attacks {
        show(&site.watch(attack).await?.line(name));
    }
    site.workspace.stop().await?;
    Ok(())
}

impl Site {
    async fn prepare(data: &std::path::Path) -> Result<Site> {
        let workspace = Workspace::start("attacked", data, free_port()?).await?;
        let side = Side::prepare("attacked", &workspace.site_url(), "crew").await?;
        let invitation = handmade::invite(&side, "evil").await?;
        let peer = Handmade::accept(&side, invitation, handmade::take).await?;
        let person = side.user("ann").await?;
        let shared = side.channel("shared", &[&person]).await?;
        let own = side.channel("own", &[&person]).await?;
        peer.share(&side, &shared).await?;
        Ok(Site {
            workspace,
            side,
            peer,
            shared,
            person,
            own,
        })
    }

    /// Measures what a person who writes continuously experiences until an attack is over.
    async fn watch(&self, attack: Attack<'_>) -> Result<Felt> {
        let before = self.workspace.resident_bytes()?;
        let is_over = AtomicBool::new(false);
        let attacking = async {
            let least = tokio::time::sleep(WATCHED);
            let (done, ()) = tokio::join!(attack, least);
            is_over.store(true, Ordering::Relaxed);
            done
        };
        let writing = async {
            let mut felt = Felt {
                times: Vec::new(),
                more_at_most: 0,
                more_after: 0,
            };
            while !is_over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                // A client unknown to the service so far.
                let person = Client::new(self.person.site_url());
                let person = person.with_token(self.person.token().unwrap_or_default());
                scene::post(&person, &self.own, "", "what people write").await?;
                felt.times.push(begun.elapsed());
                let more = self.workspace.resident_bytes()?.saturating_sub(before);
                felt.more_at_most = felt.more_at_most.max(more);
                tokio::time::sleep(PAUSE).await;
            }
            anyhow::Ok(felt)
        };
        let (attacked, felt) = tokio::join!(attacking, writing);
        attacked?;
        let mut felt = felt?;
        felt.times.sort();
        felt.more_after = self.workspace.resident_bytes()?.saturating_sub(before);
        Ok(felt)
    }
}

/// The measured effects of an attack.
struct Felt {
    /// Latencies of posts, sorted.
    times: Vec<Duration>,
    /// Bytes of resident memory above the level before, at most and at the end.
    more_at_most: u64,
    more_after: u64,
}

impl Felt {
    fn line(&self, name: &str) -> Line {
        let mib = |bytes: u64| bytes / (1 << 20);
        let value = format!(
            "{} / {} / {}, +{} / +{} MiB",
            ms(percentile(&self.times, 50)),
            ms(percentile(&self.times, 99)),
            ms(self.times.last().copied().unwrap_or_default()),
            mib(self.more_at_most),
            mib(self.more_after)
        );
        line(format!("local posts while {name}"), value, "p99 100 ms")
    }
}

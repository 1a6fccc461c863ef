//! Mentions in a shared channel, where both sides have a John: what mentions somebody is written for
//! those who read it, and all else stays letter by letter as it was written.

use anyhow::{Context, Result};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::scene;
use serde_json::Value;

use crate::pair::Pair;

/// Texts that mention nobody.
const UNTOUCHED: [&str; 12] = [
    "`@john` and `` a ` @john ``",
    "```\n@john\n```",
    "~~~ text\n@john\n~~~",
    "    @john",
    "text\n\n    @john",
    "> ```\n> @john\n> ```",
    "https://m.example/@john",
    "see www.m.example/@john or m.example/@john",
    "[John](https://m.example/@john \"@john\")",
    "![John](/@john)",
    "[John][1]\n\n[1]: /@john",
    "mail to john@john",
];

/// The text of the next post that is heard, and whether the hearer is mentioned in it.
async fn heard(events: &mut Events) -> Result<(String, bool)> {
    let event = events.next("posted", |_| true, HEARD_WITHIN).await?;
    let post: Value = serde_json::from_str(event["data"]["post"].as_str().unwrap_or_default())?;
    let text = post["message"].as_str().context("a text")?.to_string();
    Ok((text, event["data"]["mentions"].is_string()))
}

#[tokio::test]
async fn texts_that_mention_nobody_cross_unchanged_and_nobody_is_told() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex) = (&pair.acme, &pair.globex);
    let john_of = async |end: &crate::pair::End| -> Result<Client> {
        let john = end.side.user("john").await?;
        end.side.join(&pair.channel, &[&john]).await?;
        Ok(john)
    };
    let (here, there) = (john_of(acme).await?, john_of(globex).await?);
    let (mut here, mut there) = (here.events().await?, there.events().await?);
    let say = async |user: &Client, text: &str| scene::post(user, &pair.channel, "", text).await;

    for text in UNTOUCHED {
        say(&acme.user, text).await?;
        let told = (text.to_string(), false);
        assert_eq!(heard(&mut here).await?, told);
        assert_eq!(heard(&mut there).await?, told);
    }
    // Each text: as the John of the side where it is written is told of it, and as the other is.
    let (written, elsewhere) = (
        "@john, _@john_ and `@john`",
        "@john:acme, _@john:acme_ and `@john`",
    );
    say(&acme.user, written).await?;
    assert_eq!(heard(&mut here).await?, (written.to_string(), true));
    assert_eq!(heard(&mut there).await?, (elsewhere.to_string(), false));
    let (written, elsewhere) = ("_@john:acme_ `@john:acme`", "_@john_ `@john:acme`");
    say(&globex.user, written).await?;
    assert_eq!(heard(&mut there).await?, (written.to_string(), false));
    assert_eq!(heard(&mut here).await?, (elsewhere.to_string(), true));
    Ok(())
}

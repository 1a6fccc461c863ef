//! Connections on the command line.

use anyhow::{Context, Result, ensure};
use causeway_tests::command::connection;
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::wait_for;
use serde_json::json;

/// The ID of the only connection.
async fn id_at(host: &Hosted) -> Result<String> {
    let list = connection(&host.side, &["list"], "").await?;
    let id = list.split_whitespace().next().context("no connection")?;
    Ok(id.to_string())
}

/// A channel that the other side may only read, and that is then shared with nobody.
async fn read_only_and_unshared(acme: &Hosted, globex: &Hosted, id: &str) -> Result<()> {
    let at_acme = async |arguments: &[&str]| connection(&acme.side, arguments, "").await;
    acme.side.channel("news", &[]).await?;
    at_acme(&["invite", id, "crew/news", "--read-only"]).await?;
    wait_to_show(acme, &["channels", id], "news  shared").await?;
    let path = format!("/teams/{}/channels/name/news", globex.side.team_id);
    let news = globex.side.admin.get(&path).await?;
    let news = news["id"].as_str().context("no channel")?;
    let reader = globex.user("rita").await?;
    globex.side.join(news, &[&reader]).await?;
    let written = json!({ "channel_id": news, "message": "not mine to write" });
    ensure!(
        reader.post("/posts", written).await.is_err(),
        "a reader wrote"
    );
    let said = at_acme(&["unshare", "crew/news"]).await?;
    assert_eq!(said, "crew/news is no longer shared");
    assert_eq!(at_acme(&["channels", id]).await?, "");
    ensure!(at_acme(&["unshare", "crew/news"]).await.is_err());
    Ok(())
}

async fn wait_to_show(host: &Hosted, arguments: &[&str], what: &str) -> Result<()> {
    wait_for(what, async || {
        Ok(connection(&host.side, arguments, "").await?.contains(what))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_administered_on_the_command_line() -> Result<()> {
    let acme = Hosted::start("boss", |_| {}).await?;
    let globex = Hosted::start("chief", |_| {}).await?;
    let at_acme =
        async |arguments: &[&str], input: &str| connection(&acme.side, arguments, input).await;
    assert_eq!(at_acme(&["list"], "").await?, "no connections");
    let unknown = at_acme(&["create", "globex", "--team", "nowhere"], "").await;
    ensure!(unknown.is_err(), "an unknown team was taken");

    let made = at_acme(&["create", "globex", "--team", "crew"], "").await?;
    let [code, generated] = made.lines().collect::<Vec<_>>()[..] else {
        anyhow::bail!("not a code and a password: {} lines", made.lines().count());
    };
    let id = &id_at(&acme).await?;
    ensure!(at_acme(&["list"], "").await?.contains("connection pending"));
    // A further code; the first one stays valid.
    let again = at_acme(&["invitation", id], "another password\n").await?;
    ensure!(again != code, "the same code again");
    let accept = [
        "accept",
        "acme",
        "--team",
        "crew",
        "--display-name",
        "Acme Inc.",
    ];
    let wrong = connection(&globex.side, &accept, &format!("{code}\nwrong password\n")).await;
    ensure!(wrong.is_err(), "a wrong password opened a code");
    let accepted = format!("{code}\n{generated}\n");
    let accepted = connection(&globex.side, &accept, &accepted).await?;
    ensure!(accepted.contains("acme (Acme Inc.)"), "{accepted}");
    wait_to_show(&acme, &["list"], "  connected  ").await?;
    let late = at_acme(&["invitation", id], "another password\n").await;
    ensure!(late.is_err(), "a code for a connection that is confirmed");

    acme.side.channel("harbour", &[]).await?;
    at_acme(&["invite", id, "crew/harbour"], "").await?;
    wait_to_show(&acme, &["channels", id], "harbour  shared").await?;
    let there = &id_at(&globex).await?;
    let channels = connection(&globex.side, &["channels", there], "").await?;
    ensure!(channels.contains("harbour  shared"), "{channels}");
    at_acme(&["uninvite", id, "crew/harbour"], "").await?;
    assert_eq!(at_acme(&["channels", id], "").await?, "");
    read_only_and_unshared(&acme, &globex, id).await?;

    at_acme(&["edit", id, "--display-name", "Globex Ltd."], "").await?;
    ensure!(
        at_acme(&["list"], "")
            .await?
            .contains("globex (Globex Ltd.)")
    );
    ensure!(at_acme(&["edit", id], "").await.is_err());
    let url = acme.side.admin.site_url();
    connection(&globex.side, &["move", there, url], "").await?;
    at_acme(&["remove", id], "").await?;
    assert_eq!(at_acme(&["list"], "").await?, "no connections");
    ensure!(at_acme(&["list", "--all"], "").await?.contains("removed"));
    let json: serde_json::Value =
        serde_json::from_str(&at_acme(&["list", "--all", "--json"], "").await?)?;
    assert_eq!(json[0]["remote_id"], **id);
    for host in [acme, globex] {
        host.stop().await;
    }
    Ok(())
}

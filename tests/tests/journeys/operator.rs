//! What an operator does on the command line.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::HEARD_WITHIN;
use causeway_tests::command::{create_user, replay};
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{PASSWORD, Side, post, visible};
use causeway_tests::warm;

#[tokio::test]
async fn accounts_are_made_in_a_closed_workspace_and_in_a_running_one() -> Result<()> {
    let data = tempfile::tempdir()?;
    let folder = data.path().to_string_lossy().into_owned();
    let here = ["--data", &folder];
    let first = create_user("root.of.all", &["--data", &folder, "--admin"]).await?;
    create_user("ann", &here).await?;
    let taken = create_user("ann", &here).await;
    ensure!(taken.is_err(), "a name was given twice");

    let workspace = Workspace::start("closed", data.path(), free_port()?).await?;
    let busy = create_user("ben", &here)
        .await
        .err()
        .context("it was made beside a running service")?;
    ensure!(busy.to_string().contains("--url"), "{busy}");
    let root = workspace.client().login("root.of.all", PASSWORD).await?;
    let me = root.get("/users/me").await?;
    assert_eq!(
        (&me["id"], &me["roles"]),
        (&first.into(), &"system_admin system_user".into())
    );

    let url = workspace.site_url();
    let there = create_user("ben", &["--url", &url, "--login", "root.of.all"]).await?;
    let ben = workspace.client().login("ben", PASSWORD).await?;
    assert_eq!(ben.get("/users/me").await?["id"], there);
    let refused = create_user("carla", &["--url", &url, "--login", "ben"]).await;
    ensure!(refused.is_err(), "an ordinary account made another one");
    workspace.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_workspace_that_is_closed_and_opened_shows_what_it_showed() -> Result<()> {
    const POSTS: usize = 20;
    let data = tempfile::tempdir()?;
    let port = free_port()?;
    let workspace = warm::start_with("again", data.path(), port, &[]).await?;
    let side = Side::prepare("again", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    for number in 0..POSTS {
        post(&ann, &side.town_square, "", &format!("post {number}")).await?;
    }
    let before = visible(&ann, &side.town_square).await?;
    let mut line = ann.events().await?;
    workspace.stop().await?;
    // The line was closed, not left hanging.
    let heard = line.next("nothing", |_| true, HEARD_WITHIN).await;
    ensure!(
        heard.is_err_and(|error| error.to_string().contains("closed")),
        "the line hangs"
    );

    let workspace = Workspace::start("again", data.path(), port).await?;
    // The session is the old one as well.
    assert_eq!(visible(&ann, &side.town_square).await?, before);
    assert_eq!(before.len(), POSTS);
    replay(data.path()).await?;
    workspace.stop().await?;
    replay(data.path()).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_without_a_journal_is_no_successful_replay() -> Result<()> {
    let data = tempfile::tempdir()?;
    ensure!(
        replay(data.path()).await.is_err(),
        "an empty folder was replayed"
    );
    ensure!(
        replay(&data.path().join("nowhere")).await.is_err(),
        "nothing was replayed"
    );
    Ok(())
}

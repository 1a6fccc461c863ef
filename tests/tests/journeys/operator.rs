//! An operator's tasks on the command line.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::HEARD_WITHIN;
use causeway_tests::command::{causeway, create_user, replay};
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
    // The line was closed, not left open.
    let heard = line.next("nothing", |_| true, HEARD_WITHIN).await;
    ensure!(
        heard.is_err_and(|error| error.to_string().contains("closed")),
        "the line hangs"
    );

    let workspace = Workspace::start("again", data.path(), port).await?;
    // The session is still valid, too.
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

#[tokio::test]
async fn a_file_or_folder_that_is_the_wrong_one_is_named_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (empty, file, nowhere) = (path("empty"), path("file"), path("nowhere"));
    std::fs::create_dir(&empty)?;
    std::fs::write(&file, "not a session")?;
    for verb in ["show", "why", "state"] {
        for (source, says) in [
            (&nowhere, "No such file"),
            (&file, "not a session file"),
            (&empty, "not a data directory"),
        ] {
            let mut words = vec!["session", verb, source.as_str()];
            if verb == "why" {
                words.push("a post");
            }
            let output = causeway(&words).await?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(!output.status.success(), "{words:?}");
            ensure!(said.matches(says).count() == 1, "{words:?}: {said}");
            ensure!(said.lines().count() == 1, "{words:?}: {said}");
        }
    }
    for verb in ["status", "exports", "hold", "release", "export"] {
        for (source, says) in [
            (&nowhere, "does not exist"),
            (&file, "it is a file"),
            (&empty, "not a data directory"),
        ] {
            let output = path("output");
            let mut words = vec!["session", verb, source.as_str()];
            match verb {
                "hold" => words.extend(["--reason", "x"]),
                "export" => words.extend(["--output", &output]),
                _ => {}
            }
            let output = causeway(&words).await?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(!output.status.success(), "{words:?}");
            ensure!(said.contains(says), "{words:?}: {said}");
        }
    }
    assert_eq!(std::fs::read_dir(&empty)?.count(), 0);
    ensure!(!folder.path().join("output").exists());
    Ok(())
}

#[tokio::test]
async fn an_installation_has_an_identity_that_a_copy_does_not_have() -> Result<()> {
    let (data, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let workspace = warm::start("original", data.path()).await?;
    let side = Side::prepare("original", &workspace.site_url(), "crew").await?;
    let token = side.admin.token().context("no token")?.to_string();
    let identity = async |workspace: &Workspace| {
        let config = workspace.client().with_token(&token);
        let config = config.get("/config/client?format=old").await?;
        assert_eq!(config["DiagnosticId"], config["TelemetryId"]);
        let id = config["DiagnosticId"].as_str().unwrap_or_default();
        ensure!(id.len() == 26, "{id:?} is no id");
        let date = config["InstallationDate"].as_str().unwrap_or_default();
        let date: i64 = date.parse().context("InstallationDate")?;
        ensure!(date > 1_700_000_000_000, "{date}");
        Ok((id.to_string(), date))
    };
    let first = identity(&workspace).await?;
    workspace.stop().await?;
    let workspace = Workspace::start("original", data.path(), free_port()?).await?;
    assert_eq!(identity(&workspace).await?, first);
    workspace.stop().await?;

    let copy = elsewhere.path().join("copy");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([data.path(), copy.as_path()])
        .status()?;
    ensure!(copied.success());
    let workspace = Workspace::start("copy", &copy, free_port()?).await?;
    let second = identity(&workspace).await?;
    ensure!(second.0 != first.0, "a copy has the same DiagnosticId");
    ensure!(second.1 > first.1, "a copy has the same InstallationDate");
    workspace.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_data_directory_is_looked_into_as_a_session_is() -> Result<()> {
    let data = tempfile::tempdir()?;
    let folder = data.path().to_string_lossy().into_owned();
    let workspace = warm::start("looked-into", data.path()).await?;
    let side = Side::prepare("looked-into", &workspace.site_url(), "crew").await?;
    side.user("ann").await?;
    let written = post(&side.admin, &side.town_square, "", "look at this").await?;
    for (words, says) in [
        (vec!["session", "show", &folder], "admin"),
        (vec!["session", "why", &folder, &written], "look at this"),
        (vec!["session", "state", &folder, "--users"], "ann"),
    ] {
        let output = causeway(&words).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{words:?}: {failed}");
        ensure!(said.contains(says), "{words:?}: {said}");
    }
    let exports = causeway(&["session", "exports", &folder]).await?;
    let exports = String::from_utf8_lossy(&exports.stdout).into_owned();
    ensure!(exports.contains("Nothing has been exported"), "{exports}");

    // Options of the group are accepted after the verb as well as before it.
    let url = workspace.site_url();
    let listed = causeway(&["policy", "list", "--url", &url, "--login", "admin"]).await?;
    let failed = String::from_utf8_lossy(&listed.stderr);
    ensure!(listed.status.success(), "{failed}");
    workspace.stop().await?;
    Ok(())
}

//! Files that a user other than the owner writes in a data directory.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use causeway_tests::command::{causeway, create_user};
use causeway_tests::process::binary;
use causeway_tests::scene::PASSWORD;

/// A user who runs a service and is not the one who runs the tests.
const SOMEBODY: u32 = 12_345;

/// Gives a folder and its contents away; false if this process may not do that.
fn give_away(path: &Path) -> Result<bool> {
    if let Err(error) = lchown(path, Some(SOMEBODY), Some(SOMEBODY)) {
        ensure!(error.kind() == io::ErrorKind::PermissionDenied, "{error}");
        return Ok(false);
    }
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(true)
}

/// Checks that a folder and its contents belong to that user.
fn is_given_away(path: &Path) -> Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    let owner = (found.uid(), found.gid());
    ensure!(
        owner == (SOMEBODY, SOMEBODY),
        "{} is {owner:?}'s",
        path.display()
    );
    if found.is_dir() {
        for entry in std::fs::read_dir(path)? {
            is_given_away(&entry?.path())?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_root_writes_in_a_services_data_directory_is_the_services() -> Result<()> {
    let (data, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let folder = data.path().to_string_lossy().into_owned();
    create_user("ann", &["--data", &folder]).await?;
    if !give_away(data.path())? {
        // Only root can leave such files behind.
        return Ok(());
    }
    let output = outside.path().join("x.session");
    let (output, inside) = (output.to_string_lossy(), data.path().join("y.session"));
    let inside = inside.to_string_lossy();
    for words in [
        &["session", "export", &folder, "--output", &output][..],
        &["session", "export", &folder, "--output", &inside],
        &["session", "hold", &folder, "--reason", "x"],
        &["session", "show", &folder],
        &["replay", &folder],
    ] {
        let done = causeway(words).await?;
        let failed = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{words:?}: {failed}");
    }
    is_given_away(data.path())?;
    let exported = std::fs::metadata(outside.path().join("x.session"))?;
    ensure!(
        exported.uid() != SOMEBODY,
        "what was taken out was given away"
    );

    // A command that opens the workspace runs as the owner, who may run the program.
    let program = outside.path().join("causeway");
    std::fs::copy(binary()?, &program)?;
    std::fs::set_permissions(outside.path(), Permissions::from_mode(0o755))?;
    let done = Command::new(&program)
        .args(["admin", "create-user", "--admin", "--data", &folder])
        .args(["--username", "ben", "--email", "ben@workspace.test"])
        .env("CAUSEWAY_NEW_PASSWORD", PASSWORD)
        .output()?;
    let failed = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{failed}");
    is_given_away(data.path())?;

    // A user who may write there but cannot give files away is refused before anything is written.
    std::fs::set_permissions(data.path(), Permissions::from_mode(0o777))?;
    let before = std::fs::read_dir(data.path())?.count();
    for words in [
        &["session", "hold", &folder, "--reason", "x"][..],
        &[
            "session",
            "export",
            &folder,
            "--output",
            "/dev/null",
            "--force",
        ],
        &[
            "admin",
            "create-user",
            "--data",
            &folder,
            "--username",
            "c",
            "--email",
            "c@x.test",
        ],
    ] {
        let done = Command::new(&program)
            .args(words)
            .env("CAUSEWAY_NEW_PASSWORD", PASSWORD)
            .uid(SOMEBODY + 1)
            .output()?;
        let failed = String::from_utf8_lossy(&done.stderr);
        ensure!(!done.status.success(), "{words:?}");
        ensure!(failed.contains("sudo -u '#12345'"), "{words:?}: {failed}");
    }
    assert_eq!(std::fs::read_dir(data.path())?.count(), before);
    is_given_away(data.path())
}

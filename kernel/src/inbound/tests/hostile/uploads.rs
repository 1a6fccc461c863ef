//! What a peer says of a file decides neither where its bytes go nor what they count as.

use super::*;
use crate::boundary::input::UploadProgress;
use crate::model::limits::FILE_NAME_CHARS_MAX;
use crate::model::{File as FileRow, FileLimits, Upload};

/// The largest file of a new workspace, in bytes.
fn most() -> i64 {
    i64::try_from(FileLimits::default().bytes_max).unwrap()
}

#[test]
fn t18_only_attachments_of_a_possible_size_are_taken_under_an_id_that_is_one() {
    let mut world = world();
    let file = thing(File, "ann", "joint");
    let long = "x".repeat(FILE_NAME_CHARS_MAX + 1);
    for kind in [
        "",
        "import",
        "ATTACHMENT",
        "attachment ",
        "attachment\0",
        "../attachment",
    ] {
        world.expect_no_trace(ACME, &file.with(json!({"type": kind})));
    }
    for size in [
        json!(0),
        json!(-1),
        json!(most() + 1),
        json!(i64::MAX),
        json!(i64::MIN),
    ] {
        world.expect_no_trace(ACME, &file.with(json!({"file_size": size})));
    }
    for size in [
        json!("12"),
        json!(1.5),
        json!(1e30),
        json!([12]),
        json!(true),
    ] {
        world.expect_no_trace(ACME, &file.with(json!({"file_size": size})));
    }
    for key in ["id", "req_file_id"] {
        for other in [
            "",
            "short",
            "../../../etc/passwd.......",
            "x/xxxxxxxxxxxxxxxxxxxxxxxx",
        ] {
            world.expect_no_trace(ACME, &file.with(json!({key: other})));
        }
    }
    for name in [
        "", ".", "..", "../..", "a/", "a\\", "\u{1}", "\u{202e}", &long,
    ] {
        world.expect_no_trace(ACME, &file.with(json!({"filename": name})));
    }
    for size in [1, most()] {
        let change = json!({"file_size": size, "id": id(&format!("s{size}"))});
        world.expect_taken(ACME, &file.with(change));
    }
}

#[test]
fn t18_of_a_path_only_the_name_of_the_file_is_left() {
    for (told, kept) in [
        ("plan.pdf", "plan.pdf"),
        ("/etc/passwd", "passwd"),
        ("../../plan.pdf", "plan.pdf"),
        ("..\\..\\plan.pdf", "plan.pdf"),
        ("C:\\Windows\\plan.pdf", "plan.pdf"),
        ("a/..\\b/plan.pdf", "plan.pdf"),
        ("plan\u{202e}fdp.exe", "planfdp.exe"),
        ("plan\u{7f}.pdf\r\n", "plan.pdf"),
        ("...", "..."),
    ] {
        let mut world = world();
        let name = json!({"filename": told, "path": "/etc/", "name": "/etc/x"});
        world.expect_taken(ACME, &thing(File, "ann", "joint").with(name));
        let upload = world.get::<Upload>(&(ACME, parsed_id("up")));
        assert_eq!((upload.name.as_str(), upload.offset), (kept, 0), "{told:?}");
        // The same holds for what a post says of a file that is still to come.
        let said = json!({"id": id("other"), "name": told, "size": 12});
        let files = json!({"file_ids": [id("other")], "metadata": {"files": [said]}});
        world.expect_taken(ACME, &thing(Text, "ann", "joint").with(files));
        let no = world.post("new").unwrap().files[0];
        assert_eq!(world.get::<FileRow>(&no).name, kept, "{told:?}");
    }
}

#[test]
fn t18_bytes_go_to_the_upload_of_their_connection_and_nowhere_else() {
    let mut world = world();
    world.expect_taken(ACME, &thing(File, "ann", "joint"));
    let whole = |connection, upload| Input::Upload {
        connection,
        upload: parsed_id(upload),
        progress: UploadProgress::Whole {
            digest: format!("{:064x}", 1),
            dimensions: None,
        },
    };
    for (connection, upload) in [(OTHER, "up"), (ACME, "file"), (ACME, "pann"), (ACME, "ann")] {
        let before = world.host.tables.clone();
        let reply = world.run(whole(connection, upload)).reply;
        assert_eq!(http(reply).0, 404, "{connection:?} {upload}");
        assert_eq!(world.host.tables, before, "{connection:?} {upload}");
    }
    // Bytes beyond the announced size are no progress.
    world.run(Input::Upload {
        connection: ACME,
        upload: parsed_id("up"),
        progress: UploadProgress::Part { offset: u64::MAX },
    });
    assert_eq!(world.get::<Upload>(&(ACME, parsed_id("up"))).offset, 12);
    assert_eq!(http(world.run(whole(ACME, "up")).reply).0, 200);
    let file = lookup::file(&world.host, &id("file")).unwrap();
    let row = world.get::<FileRow>(&file);
    assert_eq!((Some(row.user), row.size), (world.user_no("ann"), 12));
    // It exists once, and its upload is over.
    assert_eq!(http(world.run(whole(ACME, "up")).reply).0, 404);
}

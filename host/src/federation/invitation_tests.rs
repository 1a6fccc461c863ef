use super::*;
use serde_json::Value;

const VECTORS: &str = include_str!("../../../tests/fixtures/vectors/invite.json");
const CODES_2021: &str =
    include_str!("../../../tests/fixtures/captures/mattermost-2021/invites.json");
const CODES_11: &str =
    include_str!("../../../tests/fixtures/captures/mattermost-11.6/invites.json");

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn bytes<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    let hex = text(value, key);
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn invite() -> Invite {
    Invite {
        remote_id: "89zkh3xgk3m91k49mac1gg9n8e".into(),
        remote_team_id: String::new(),
        site_url: "https://chat.example.com".into(),
        token: "nku19ettsgg7ujm1ze8mtmddty".into(),
        refreshed_token: String::new(),
        version: INVITE_VERSION,
    }
}

async fn try_open(code: &str, password: &str) -> Result<Invitation, CodeError> {
    open(&Derivations::new(), code, &Secret::new(password)).await
}

#[tokio::test]
async fn the_vectors_open_and_are_made_byte_for_byte() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let (password, code) = (text(vector, "password"), text(vector, "invite"));
        let opened = try_open(code, password).await.unwrap();
        let fields = &vector["fields"];
        assert_eq!(opened.remote_id.as_str(), text(fields, "remote_id"));
        assert_eq!(opened.site_url.as_str(), text(fields, "site_url"));
        assert_eq!(opened.token.expose(), text(fields, "token"));
        assert_eq!(opened.version, fields["version"].as_i64().unwrap_or(0));
        let kdf = match text(vector, "kdf") {
            "scrypt" => CodeKdf::Scrypt,
            _ => CodeKdf::Pbkdf2,
        };
        let made = seal_with(
            text(vector, "plaintext").as_bytes(),
            &Secret::new(password),
            kdf,
            bytes(vector, "salt_hex"),
            bytes(vector, "nonce_hex"),
        );
        assert_eq!(made.unwrap().expose(), code, "{}", text(vector, "name"));
    }
}

#[tokio::test]
async fn damaged_codes_and_wrong_passwords_are_refused() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let negative = vectors["negative"].as_array().unwrap();
    assert_eq!(negative.len(), 6);
    for vector in negative {
        let refused = try_open(text(vector, "invite"), text(vector, "password")).await;
        assert_eq!(
            refused.unwrap_err(),
            CodeError::Sealed,
            "{}",
            text(vector, "name")
        );
    }
}

#[tokio::test]
async fn codes_of_live_servers_open() {
    for (codes, kind) in [
        (CODES_2021, PeerKind::Mattermost2021),
        (CODES_11, PeerKind::Mattermost11),
    ] {
        let codes: Value = serde_json::from_str(codes).unwrap();
        for code in codes.as_array().unwrap() {
            let opened = try_open(text(code, "code"), text(code, "password"))
                .await
                .unwrap();
            assert_eq!(
                opened.remote_id.as_str(),
                text(&code["decrypted"], "remote_id")
            );
            assert_eq!(opened.token.expose(), text(&code["decrypted"], "token"));
            assert_eq!(opened.kind(), kind);
        }
    }
}

#[tokio::test]
async fn what_we_make_we_open_also_broken_into_lines() {
    for kdf in [CodeKdf::Scrypt, CodeKdf::Pbkdf2] {
        let password = make_password().unwrap();
        let derivations = Derivations::new();
        let code = seal(&derivations, &invite(), &password, kdf).await.unwrap();
        let (head, tail) = code.expose().split_at(40);
        let opened = open(&derivations, &format!("{head}\r\n{tail}\n"), &password)
            .await
            .unwrap();
        assert!(opened.rotates());
        assert_eq!(opened.token.expose(), invite().token);
    }
}

#[test]
fn the_text_form_is_as_strict_as_the_reference() {
    let blob: Vec<u8> = (0..=250).collect();
    let good = BASE64.encode(&blob);
    assert!(good.ends_with('=') && good.contains('-') && good.contains('_'));
    assert_eq!(sealed_bytes(&good).unwrap(), blob);
    for bad in [
        good.trim_end_matches('=').to_string(),
        format!("{good}="),
        format!(" {good}"),
        good.replacen('-', "+", 1),
        good.replacen('_', "/", 1),
        good.replacen('A', "\u{e9}", 1),
    ] {
        assert_eq!(sealed_bytes(&bad), Err(CodeError::NotBase64), "{bad}");
    }
    let longest = "A".repeat(INVITATION_BYTES_MAX);
    assert!(sealed_bytes(&longest).is_ok());
    assert_eq!(
        sealed_bytes(&format!("{longest}\n")),
        Err(CodeError::TooLong)
    );
    assert_eq!(sealed_bytes(""), Err(CodeError::Sealed));
}

#[tokio::test]
async fn contents_that_no_server_may_follow_are_refused() {
    let broken = |change: fn(&mut Invite)| {
        let mut invite = invite();
        change(&mut invite);
        invite
    };
    for (invite, what) in [
        (
            broken(|invite| invite.remote_id = "short".into()),
            "remote_id",
        ),
        (
            broken(|invite| invite.site_url = "ftp://x".into()),
            "site URL",
        ),
        (
            broken(|invite| invite.site_url = "/path".into()),
            "site URL",
        ),
        (broken(|invite| invite.token = String::new()), "token"),
        (broken(|invite| invite.token = "x".repeat(27)), "token"),
        (broken(|invite| invite.token = "a\r\nb".into()), "token"),
    ] {
        let password = Secret::new("p");
        let sealed = seal_with(
            &invite.encode(),
            &password,
            CodeKdf::Scrypt,
            [1; 16],
            [2; 12],
        )
        .unwrap();
        let opened = try_open(sealed.expose(), "p").await;
        assert_eq!(opened.unwrap_err(), CodeError::Contents(what));
        let made = seal(&Derivations::new(), &invite, &password, CodeKdf::Scrypt).await;
        assert_eq!(made.unwrap_err(), CodeError::Contents(what));
    }
    let sealed = seal_with(
        b"no json",
        &Secret::new("p"),
        CodeKdf::Scrypt,
        [1; 16],
        [2; 12],
    );
    assert_eq!(
        try_open(sealed.unwrap().expose(), "p").await.unwrap_err(),
        CodeError::Sealed
    );
}

#[test]
fn made_passwords_pass_the_slash_command() {
    let password = make_password().unwrap();
    assert_eq!(password.expose().len(), MADE_PASSWORD_CHARS);
    assert!(!password.expose().contains([' ', '"', '\'', '`', '-']));
}

//! Invitation codes: an invitation object encrypted with a password. Protocol §7.
//!
//! A code is `base64url(salt[16] ‖ nonce[12] ‖ AES-256-GCM(JSON))`. Its key is derived from the password,
//! since 11.0 with PBKDF2 and before with scrypt; the code does not show which, so both are tried. Codes are
//! created with scrypt and `version` 3 inside: every generation opens them, and the newer ones still rotate
//! the token.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use causeway_kernel::model::PeerKind;
use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::frame::Invite;
use causeway_kernel::wire::json::Document;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::site_url::SiteUrl;
use crate::vault::{Derivations, Secret, VaultError, random};

/// `version` of the invitation objects that we write.
pub const INVITE_VERSION: i64 = 3;

/// Maximum bytes of a code's text; real ones have about 300.
pub const INVITATION_BYTES_MAX: usize = 8 * 1024;

/// Maximum bytes of a token; the reference's columns hold no more.
pub const TOKEN_BYTES_MAX: usize = 26;

/// Characters of a generated password, as in the reference.
const MADE_PASSWORD_CHARS: usize = 16;

/// Alphabet of generated passwords. No quotes or spaces, which the slash command cannot take.
const PASSWORD_ALPHABET: &[u8; 64] =
    b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!@#$%&*";

const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const PBKDF2_ROUNDS: u32 = 600_000;
const SCRYPT_LOG_N: u8 = 15;

/// As the reference reads it: URL-safe alphabet, padding required, stray bits ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// How the key of a code is derived from its password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeKdf {
    /// Opened by every generation of servers.
    #[default]
    Scrypt,
    /// For hosts that may use nothing else (FIPS); opened by 11.0 and later only.
    Pbkdf2,
}

/// Why a code cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Longer than [`INVITATION_BYTES_MAX`].
    #[error("the invitation code is longer than {INVITATION_BYTES_MAX} bytes")]
    TooLong,
    /// Not the protocol's base64.
    #[error("the invitation code is incomplete: it is not valid base64")]
    NotBase64,
    /// The password is wrong or the code is damaged; these cannot be told apart.
    #[error("the password is wrong or the invitation code is damaged")]
    Sealed,
    /// It was opened, but contains something that no server may follow.
    #[error("the invitation contains no usable {0}")]
    Contents(&'static str),
    /// It cannot be tried now.
    #[error("too many invitation codes are being opened, try again")]
    Busy,
}

impl From<VaultError> for CodeError {
    fn from(_: VaultError) -> CodeError {
        CodeError::Busy
    }
}

/// An invitation object whose contents were checked.
#[derive(Debug)]
pub struct Invitation {
    /// The connection's id.
    pub remote_id: Id,
    /// The inviter's base address.
    pub site_url: SiteUrl,
    /// The token that the inviter's gate expects.
    pub token: Secret,
    /// `version`; 0 if absent.
    pub version: i64,
    /// Team given in the code, or empty.
    pub remote_team_id: String,
}

impl Invitation {
    fn of(invite: &Invite) -> Result<Invitation, CodeError> {
        Ok(Invitation {
            remote_id: Id::parse(&invite.remote_id).ok_or(CodeError::Contents("remote_id"))?,
            site_url: SiteUrl::parse(&invite.site_url).ok_or(CodeError::Contents("site URL"))?,
            token: token(&invite.token).ok_or(CodeError::Contents("token"))?,
            version: invite.version,
            remote_team_id: invite.remote_team_id.clone(),
        })
    }

    /// Whether the inviter replaces the invitation's token on acceptance.
    #[must_use]
    pub fn rotates(&self) -> bool {
        self.version >= 2
    }

    /// The kind of server that creates such an invitation.
    #[must_use]
    pub fn kind(&self) -> PeerKind {
        kind_of_version(self.version)
    }
}

/// The kind of server that writes this `version`. Protocol §7.2.
#[must_use]
pub fn kind_of_version(version: i64) -> PeerKind {
    if version >= 2 {
        PeerKind::Mattermost11
    } else {
        PeerKind::Mattermost2021
    }
}

/// A token chosen by a peer: 1 to 26 visible ASCII characters, as it is sent in a header.
#[must_use]
pub fn token(text: &str) -> Option<Secret> {
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Secret::new(text))
}

/// Generates a password for a code if the admin gave none: 96 random bits.
///
/// # Errors
/// When the operating system has no randomness.
pub fn make_password() -> Result<Secret, VaultError> {
    let bytes = random::<MADE_PASSWORD_CHARS>()?;
    let pick = |byte: u8| PASSWORD_ALPHABET.get(usize::from(byte % 64)).copied();
    let text: String = bytes.into_iter().filter_map(pick).map(char::from).collect();
    Ok(Secret::new(text))
}

/// Creates the code of an invitation object.
///
/// # Errors
/// [`CodeError::Busy`], or [`CodeError::Contents`] if we would not follow the object ourselves.
pub async fn seal(
    derivations: &Derivations,
    invite: &Invite,
    password: &Secret,
    kdf: CodeKdf,
) -> Result<Secret, CodeError> {
    Invitation::of(invite)?;
    let plain = Zeroizing::new(invite.encode());
    let (salt, nonce) = (random()?, random()?);
    let password = password.clone();
    let work = move || seal_with(&plain, &password, kdf, salt, nonce);
    derivations.run(work).await?
}

/// Opens a code and checks its contents.
///
/// # Errors
/// See [`CodeError`].
pub async fn open(
    derivations: &Derivations,
    code: &str,
    password: &Secret,
) -> Result<Invitation, CodeError> {
    let sealed = sealed_bytes(code)?;
    let password = password.clone();
    let work = move || {
        // PBKDF2 first: it needs no memory, and new servers use nothing else.
        [CodeKdf::Pbkdf2, CodeKdf::Scrypt]
            .into_iter()
            .find_map(|kdf| open_with(&sealed, &password, kdf))
            .ok_or(CodeError::Sealed)
    };
    read(&derivations.run(work).await??)
}

/// Reads and checks the object in a code.
///
/// # Errors
/// [`CodeError::Sealed`] if it is not such an object, [`CodeError::Contents`] if no server may follow it.
pub fn read(opened: &[u8]) -> Result<Invitation, CodeError> {
    let document = Document::parse(opened).map_err(|_| CodeError::Sealed)?;
    let invite = Invite::decode(document.root()).map_err(|_| CodeError::Sealed)?;
    Invitation::of(&invite)
}

/// Decodes a code's text to its sealed bytes: salt, nonce, ciphertext.
///
/// # Errors
/// [`CodeError::TooLong`], [`CodeError::NotBase64`], or [`CodeError::Sealed`] when they are too few.
pub fn sealed_bytes(code: &str) -> Result<Vec<u8>, CodeError> {
    if code.len() > INVITATION_BYTES_MAX {
        return Err(CodeError::TooLong);
    }
    // Codes are pasted from e-mails: line breaks inside are skipped, as in the reference.
    let text: String = code.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let blob = BASE64.decode(text).map_err(|_| CodeError::NotBase64)?;
    if blob.len() < SALT_BYTES + NONCE_BYTES + TAG_BYTES {
        return Err(CodeError::Sealed);
    }
    Ok(blob)
}

fn open_with(sealed: &[u8], password: &Secret, kdf: CodeKdf) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, rest) = sealed.split_first_chunk::<SALT_BYTES>()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
    let key = derive(password, salt, kdf)?;
    let cipher = Aes256Gcm::new_from_slice(key.as_slice()).ok()?;
    let opened = cipher.decrypt(&Nonce::from(*nonce), sealed).ok()?;
    Some(Zeroizing::new(opened))
}

fn seal_with(
    plain: &[u8],
    password: &Secret,
    kdf: CodeKdf,
    salt: [u8; SALT_BYTES],
    nonce: [u8; NONCE_BYTES],
) -> Result<Secret, CodeError> {
    let key = derive(password, &salt, kdf).ok_or(CodeError::Sealed)?;
    let cipher = Aes256Gcm::new_from_slice(key.as_slice()).map_err(|_| CodeError::Sealed)?;
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), plain)
        .map_err(|_| CodeError::Sealed)?;
    Ok(Secret::new(
        BASE64.encode([&salt[..], &nonce[..], &sealed].concat()),
    ))
}

fn derive(password: &Secret, salt: &[u8], kdf: CodeKdf) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let password = password.expose().as_bytes();
    match kdf {
        CodeKdf::Pbkdf2 => {
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, PBKDF2_ROUNDS, key.as_mut());
        }
        CodeKdf::Scrypt => {
            let params = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).ok()?;
            scrypt::scrypt(password, salt, &params, key.as_mut()).ok()?;
        }
    }
    Some(key)
}

#[cfg(test)]
#[path = "invitation_tests.rs"]
mod tests;

//! Adding a file.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::env::Rows;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::{FILE_NAME_CHARS_MAX, UNPOSTED_FILES_MAX};
use crate::model::{DIGEST_CHARS, Dimensions, File, file_name};
use crate::objects::files;
use crate::rows::id::{ChannelNo, WorkspaceNo};
use crate::rows::tx::Tx;

/// Adds a file to a channel whose bytes the host has stored. Until a post takes it, it belongs to its uploader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddFile {
    /// Channel.
    pub channel: ChannelNo,
    /// Its name as the client sent it.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes, in hexadecimal digits.
    pub digest: String,
    /// Dimensions of a picture that can be previewed.
    pub dimensions: Option<Dimensions>,
}
texts!(struct AddFile {
    channel,
    name: Text::Words,
    size,
    digest: Text::Words,
    dimensions,
});

impl Act for AddFile {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let user = authority::acting_user(tx, by.actor)?;
        let row = tx.channel(self.channel).ok_or_else(Refusal::forbidden)?;
        authority::require_write(tx, self.channel, &row, user)?;
        let name = file_name::stored(&self.name);
        if name.is_empty() || name.chars().count() > FILE_NAME_CHARS_MAX {
            return Err(Refusal::new(
                400,
                "api.context.invalid_body_param.app_error",
                format!(
                    "Invalid or missing filename in request body: a file needs a name of at most \
                     {FILE_NAME_CHARS_MAX} characters."
                ),
            ));
        }
        // Masking replaces digits by letters, so more than this is not checked.
        if self.digest.len() != DIGEST_CHARS {
            return Err(Refusal::invalid_param("digest"));
        }
        if !files::has_room(tx, user) {
            return Err(Refusal::new(
                400,
                "api.file.upload_file.too_many_unposted.app_error",
                format!(
                    "{UNPOSTED_FILES_MAX} of your files are not in a post yet. Post some of them, or \
                     wait: what is not posted within a day is removed."
                ),
            ));
        }
        let file = File {
            id: tx.new_id(),
            origin: WorkspaceNo::OURS,
            user,
            channel: self.channel,
            post: None,
            create_at: tx.now_ms(),
            name,
            size: self.size,
            digest: self.digest.clone(),
            dimensions: self.dimensions,
        };
        Ok(Reply::Object(Object::File(files::insert(tx, &file))))
    }
}

//! Changing how large files may be.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{FileLimits, MetaRow};
use crate::rows::counters;
use crate::rows::tx::Tx;

/// Changes how large files may be; reserved to the operator and administrators. It decides about files of
/// peers; those of local users are checked by the host before it stores their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureFiles {
    /// The limits.
    pub limits: FileLimits,
}
texts!(struct ConfigureFiles { limits });

impl Act for ConfigureFiles {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_admin(tx, by.actor)?;
        if self.limits != counters::file_limits(tx) {
            tx.put(&MetaRow::FILE_LIMITS, &MetaRow::FileLimits(self.limits));
        }
        Ok(Reply::Done)
    }
}

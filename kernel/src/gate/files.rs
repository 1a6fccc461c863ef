//! Files of posts at the gate, before their bytes cross.

use std::borrow::Cow;
use std::rc::Rc;

use super::homes::Homes;
use super::{Crossing, Judgement, context, is_asked, plain};
use crate::boundary::env::Rows;
use crate::boundary::policy::{FileQuestion, Gate, Question};
use crate::model::{User, file_name};
use crate::rows::id::Id;
use crate::rows::tx::Tx;

/// A file to be judged.
#[derive(Debug)]
pub struct FileCandidate<'a> {
    /// Its id.
    pub id: Id,
    /// Id of its post; `None` if it is not known yet.
    pub post_id: Option<Id>,
    /// Who uploaded it.
    pub uploader: Option<Rc<User>>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its size in bytes.
    pub size: u64,
}

/// Judges files.
pub(super) fn judge(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    candidates: &[FileCandidate<'_>],
) -> Vec<Judgement> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let channel = tx.channel(crossing.channel);
    let Some(channel) = channel.filter(|_| is_asked(tx, Gate::File)) else {
        return candidates.iter().map(|_| Judgement::Pass(None)).collect();
    };
    let uploaders = candidates.iter().filter_map(|it| it.uploader.as_deref());
    let homes = Homes::load(tx, uploaders);
    let now_ms = tx.now_ms();
    let questions: Vec<Question<'_>> = candidates
        .iter()
        .map(|it| {
            let uploader = it.uploader.as_deref();
            Question::File(FileQuestion {
                context: context(crossing, &channel, (uploader, homes.of(uploader)), now_ms),
                id: it.id.as_str(),
                post_id: it.post_id.as_ref().map_or("", Id::as_str),
                name: &it.name,
                size: it.size,
                media_type: file_name::known_media_type(&it.name).unwrap_or_default(),
            })
        })
        .collect();
    plain(tx.ask(&questions), candidates.len())
}

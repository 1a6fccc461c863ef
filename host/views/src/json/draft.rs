//! `Draft`. Client API §15.

use causeway_kernel::authority;
use causeway_kernel::model::File;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Views;
use super::file::FileView;
use crate::query::drafts::Draft;

/// A draft as its author sees it.
#[derive(Serialize)]
pub struct DraftView<'a> {
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    user_id: String,
    channel_id: &'a str,
    root_id: &'a str,
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    props: &'a RawValue,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    file_ids: Vec<String>,
    metadata: DraftMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct DraftMetadata {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileView>,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A draft, with those of its files that its author may read.
    pub fn draft<'a>(&self, user: UserNo, draft: &'a Draft) -> DraftView<'a> {
        let files = draft.file_ids.iter().filter_map(|id| {
            let file = self.rows.get::<File>(&lookup::file(self.rows, id)?)?;
            authority::may_read_file(self.rows, &file, user).then(|| self.file(&file))
        });
        let files: Vec<FileView> = files.collect();
        DraftView {
            create_at: draft.create_at,
            update_at: draft.update_at,
            delete_at: 0,
            user_id: self.user_id(user),
            channel_id: &draft.channel_id,
            root_id: &draft.root_id,
            message: &draft.message,
            kind: &draft.kind,
            props: draft.props.as_deref().unwrap_or(super::empty_object()),
            file_ids: files.iter().map(|file| file.id.clone()).collect(),
            metadata: DraftMetadata { files },
            priority: draft.priority.as_deref(),
        }
    }
}

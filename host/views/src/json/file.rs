//! `FileInfo`, `FileInfoList`.

use std::collections::BTreeMap;

use causeway_kernel::model::{File, Post, file_name};
use causeway_kernel::rows::id::FileNo;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Null, Views};

/// A file as clients see it.
#[derive(Serialize)]
pub struct FileView {
    pub(super) id: String,
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_id: Option<String>,
    channel_id: String,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    name: String,
    extension: String,
    size: u64,
    mime_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_preview_image: Option<bool>,
    mini_preview: Null,
    remote_id: String,
    archived: bool,
}

impl FileView {
    /// Whether clients show it as a picture.
    pub(super) fn is_image(&self) -> bool {
        self.mime_type.starts_with("image/")
    }
}

/// Files that a search found, as clients see them.
#[derive(Serialize)]
struct FileListView {
    order: Vec<String>,
    file_infos: BTreeMap<String, FileView>,
    next_file_info_id: &'static str,
    prev_file_info_id: &'static str,
    first_inaccessible_file_time: i64,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// Files that a search found, in its order.
    pub fn found_files(&self, files: &[FileNo]) -> impl Serialize {
        let rows = self.rows.get_all::<File>(files).into_iter();
        let views: Vec<FileView> = rows.flatten().map(|file| self.file(&file)).collect();
        FileListView {
            order: views.iter().map(|file| file.id.clone()).collect(),
            file_infos: views.into_iter().map(|it| (it.id.clone(), it)).collect(),
            next_file_info_id: "",
            prev_file_info_id: "",
            first_inaccessible_file_time: 0,
        }
    }

    /// A file.
    pub fn file(&self, file: &File) -> FileView {
        FileView {
            id: file.id.to_string(),
            user_id: self.user_id(file.user),
            post_id: file.post.map(|post| self.post_id(post)),
            channel_id: self.channel_id(file.channel),
            create_at: file.create_at,
            update_at: file.create_at,
            delete_at: 0,
            name: file.name.clone(),
            extension: file_name::extension(&file.name),
            size: file.size,
            mime_type: file_name::media_type(&file.name),
            width: file.dimensions.map(|it| it.width),
            height: file.dimensions.map(|it| it.height),
            has_preview_image: file.dimensions.map(|_| true),
            mini_preview: (),
            remote_id: self.remote_id(file.origin),
            archived: false,
        }
    }

    /// The files of a post whose bytes are here, in its author's order.
    pub fn files(&self, post: &Post) -> Vec<FileView> {
        let rows = self.rows.get_all::<File>(&post.files).into_iter();
        let here = rows.flatten().filter(File::is_here);
        here.map(|file| self.file(&file)).collect()
    }
}

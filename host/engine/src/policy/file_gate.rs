//! The file gate.

use causeway_kernel::boundary::policy::{FileQuestion, Gate};

use super::bindings::v0_3::exports::causeway::policy::file_gate::File;
use super::context::{author_of, channel_of, crossing_of};
use super::inquiry::{Inquiry, Plain};

/// The question about a file.
pub(super) fn inquiry(file: &FileQuestion<'_>) -> impl Inquiry {
    let context = &file.context;
    let crossing = crossing_of(context);
    let asked = File {
        id: file.id.to_owned(),
        channel: channel_of(context),
        post_id: file.post_id.to_owned(),
        uploader: author_of(context),
        name: file.name.to_owned(),
        size_bytes: file.size,
        media_type: file.media_type.to_owned(),
    };
    Plain::new(Gate::File, crossing, move |gates, store, crossing| {
        let gate = gates.file_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}

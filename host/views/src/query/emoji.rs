//! Custom emoji. Client API §6.5.

use std::ops::ControlFlow;

use causeway_kernel::model::limits::CUSTOM_EMOJI_MAX;
use causeway_kernel::model::{CustomEmoji, NameRow, kind};
use causeway_kernel::rows::id::EmojiNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::{Page, Walk, existing};

/// A custom emoji by id.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(EmojiNo, CustomEmoji)> {
    let no = lookup::emoji(rows, id)?;
    Some((no, rows.get::<CustomEmoji>(&no)?))
}

/// A custom emoji by name.
pub fn by_name(rows: &(impl Read + ?Sized), name: &str) -> Option<(EmojiNo, CustomEmoji)> {
    let no = lookup::emoji_name(rows, name)?;
    Some((no, rows.get::<CustomEmoji>(&no)?))
}

/// A page of all custom emoji, by name.
pub fn page(rows: &(impl Read + ?Sized), page: Page) -> Vec<(EmojiNo, CustomEmoji)> {
    existing(rows, &page.of(beginning_with(rows, "")))
}

/// Custom emoji whose name begins with a text, by name; at most `limit`.
pub fn beginning(
    rows: &(impl Read + ?Sized),
    begin: &str,
    limit: usize,
) -> Vec<(EmojiNo, CustomEmoji)> {
    let mut numbers = beginning_with(rows, begin);
    numbers.truncate(limit);
    existing(rows, &numbers)
}

/// Custom emoji whose name contains a text, ignoring ASCII case, by name.
pub fn containing(rows: &(impl Read + ?Sized), text: &str) -> Vec<(EmojiNo, CustomEmoji)> {
    let text = text.to_ascii_lowercase();
    let mut found = existing::<CustomEmoji, _>(rows, &beginning_with(rows, ""));
    found.retain(|(_, emoji)| emoji.name.to_ascii_lowercase().contains(&text));
    found
}

fn beginning_with(rows: &(impl Read + ?Sized), begin: &str) -> Vec<EmojiNo> {
    let mut numbers = Vec::new();
    let begin = (kind::EMOJI_NAME, begin.to_string());
    let most = u64::from(CUSTOM_EMOJI_MAX);
    Walk::prefix(Table::Names, &begin).each(rows, most, |_, value| {
        numbers.extend(NameRow::from_bytes(value).map(|row| EmojiNo(row.0)));
        ControlFlow::Continue(())
    });
    numbers
}

//! The shared channel as both sides show it, side by side.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use causeway_tests::client::Client;
use causeway_tests::scene::{Shown, visible};
use serde_json::json;

use crate::town::Town;

/// Characters of a column.
const COLUMN_CHARS: usize = 56;

/// Posts at the end of the channel that are printed.
const POSTS_MAX: usize = 24;

/// Prints the last posts: a row for each, acme on the left, globex on the right.
pub async fn print(town: &Town, channel: &str) -> Result<()> {
    let left = Column::read(&town.acme.local, channel).await?;
    let right = Column::read(&town.globex.local, channel).await?;
    print_row(&["acme".to_string()], &["globex".to_string()]);
    println!("  {0}─┼─{0}", "─".repeat(COLUMN_CHARS));
    let order: BTreeSet<(i64, &str)> = left.order().chain(right.order()).collect();
    if order.len() > POSTS_MAX {
        println!("  … {} earlier posts", order.len() - POSTS_MAX);
    }
    for (_, post) in order.iter().skip(order.len().saturating_sub(POSTS_MAX)) {
        print_row(&left.cell(post), &right.cell(post));
    }
    Ok(())
}

/// What one side shows.
struct Column {
    posts: Vec<Shown>,
    /// Names as shown by this side, by user id.
    names: BTreeMap<String, String>,
}

impl Column {
    async fn read(reader: &Client, channel: &str) -> Result<Column> {
        let posts = visible(reader, channel).await?;
        let reacting = |post: &Shown| {
            post.reactions
                .iter()
                .map(|(user, _)| user.clone())
                .collect::<Vec<_>>()
        };
        let ids: BTreeSet<String> = posts
            .iter()
            .flat_map(|post| std::iter::once(post.user_id.clone()).chain(reacting(post)))
            .collect();
        let users = reader.post("/users/ids", json!(ids)).await?;
        let names = users.as_array().into_iter().flatten().map(|user| {
            let text = |key: &str| user[key].as_str().unwrap_or_default().to_string();
            (text("id"), text("username"))
        });
        Ok(Column {
            names: names.collect(),
            posts,
        })
    }

    fn order(&self) -> impl Iterator<Item = (i64, &str)> {
        self.posts
            .iter()
            .map(|post| (post.create_at, post.id.as_str()))
    }

    /// The lines of a post; empty if this side does not show it.
    fn cell(&self, id: &str) -> Vec<String> {
        let found = self.posts.iter().find(|post| post.id == id);
        found.map_or_else(Vec::new, |post| wrap(&self.text(post), COLUMN_CHARS))
    }

    fn text(&self, post: &Shown) -> String {
        let name = |id: &str| self.names.get(id).map_or("?", String::as_str);
        let reply = if post.root_id.is_empty() { "" } else { "↳ " };
        let edited = if post.edited { " (edited)" } else { "" };
        let reactions: String = post
            .reactions
            .iter()
            .map(|(user, emoji)| format!(" [:{emoji}: {}]", name(user)))
            .collect();
        format!(
            "{reply}{}: {}{edited}{reactions}",
            name(&post.user_id),
            post.message
        )
    }
}

fn print_row(left: &[String], right: &[String]) {
    for line in 0..left.len().max(right.len()) {
        let part = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
        println!("  {:<COLUMN_CHARS$} │ {}", part(left), part(right));
    }
}

/// Breaks a text into lines, between words where possible; later lines are indented.
fn wrap(text: &str, width_chars: usize) -> Vec<String> {
    const INSET: &str = "    ";
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let gap = usize::from(used > 0 && !line.ends_with(INSET));
            if used + gap + rest.len() <= width_chars {
                line.extend(std::iter::repeat_n(' ', gap));
                line.extend(rest.iter());
                used += gap + rest.len();
                break;
            }
            let is_fresh = used == 0 || line == INSET;
            if is_fresh {
                // A word is longer than a line.
                let cut = rest.drain(..width_chars - used).collect::<String>();
                line.push_str(&cut);
            }
            lines.push(std::mem::replace(&mut line, INSET.to_string()));
            used = INSET.len();
        }
    }
    if used > 0 && line != INSET {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_text_is_broken_between_words_and_nothing_is_lost() {
        let text = "ann: one two three four-and-a-very-long-word five";
        for width in 8..60 {
            let lines = wrap(text, width);
            assert!(
                lines.iter().all(|line| line.chars().count() <= width),
                "{width}: {lines:?}"
            );
            let joined: String = lines.concat().split_whitespace().collect();
            let whole: String = text.split_whitespace().collect();
            assert_eq!(joined, whole, "{width}");
        }
        assert_eq!(wrap("ann: yes", 56), ["ann: yes"]);
        assert!(wrap("", 56).is_empty());
    }
}

//! The blocks of a Markdown text that contain words, in the sense of CommonMark: fenced and indented code is
//! left out. Containers are tracked only as far as is needed to find code in them.

use std::ops::Range;

use super::bytes::Bytes;

/// Columns of white space before a line that make it code.
const CODE_INDENT: usize = 4;
/// Minimum length of a fence.
const FENCE_MIN: usize = 3;

/// The blocks of a text, as byte ranges in order. Quote markers are included.
pub(super) fn blocks(text: &str) -> Vec<Range<usize>> {
    let bytes = Bytes::until(text, text.len());
    let mut reader = Reader {
        bytes,
        closings: closings(bytes, text.len()),
        ..Reader::default()
    };
    let mut start = 0;
    while start < text.len() {
        let end = reader
            .bytes
            .skip(start, text.len(), |byte| !matches!(byte, b'\n' | b'\r'));
        reader.line(start, end);
        // A line ends with a carriage return, a line feed, or both.
        let both = reader.bytes.at(end) == Some(b'\r') && reader.bytes.at(end + 1) == Some(b'\n');
        start = end + 1 + usize::from(both);
    }
    reader.close();
    reader.blocks
}

/// Lines of backticks alone, which may close a block: the start of each line, and the greatest length of it
/// and all later ones.
fn closings(bytes: Bytes<'_>, end: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < end {
        let mark = bytes.skip(start, end, |byte| matches!(byte, b' ' | b'\t' | b'>'));
        let behind = bytes.skip(mark, end, |byte| byte == b'`');
        let blank = bytes.skip(behind, end, |byte| matches!(byte, b' ' | b'\t'));
        let is_alone = bytes
            .at(blank)
            .is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        if behind - mark >= FENCE_MIN && is_alone {
            found.push((start, behind - mark));
        }
        start = bytes.skip(blank, end, |byte| !matches!(byte, b'\n' | b'\r')) + 1;
    }
    let mut longest = 0;
    for (_, length) in found.iter_mut().rev() {
        longest = longest.max(*length);
        *length = longest;
    }
    found
}

/// An open fenced block.
struct Fence {
    mark: u8,
    length: usize,
    /// Quote markers before it.
    quotes: usize,
    /// Column of the list item that contains it.
    column: usize,
}

#[derive(Default)]
struct Reader<'t> {
    bytes: Bytes<'t>,
    blocks: Vec<Range<usize>>,
    /// The open paragraph.
    paragraph: Option<Range<usize>>,
    /// Backticks of the code span that is open at its end.
    span: Option<usize>,
    /// See [`closings`].
    closings: Vec<(usize, usize)>,
    fence: Option<Fence>,
    /// Quote markers before the last line.
    quotes: usize,
    /// Column at which the words of the current list item begin; 0 outside lists.
    list: usize,
    is_after_blank: bool,
}

/// Where the words of a line begin.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    /// Columns of white space before it, from the last quote marker.
    column: usize,
}

impl Reader<'_> {
    /// Number of consecutive `byte`s from `at`, up to `end`.
    fn run(&self, at: usize, end: usize, byte: u8) -> usize {
        self.bytes.skip(at, end, |it| it == byte) - at
    }

    fn line(&mut self, start: usize, end: usize) {
        if self.is_fenced(start, end) {
            return;
        }
        let (quotes, content) = self.unquote(start, end, usize::MAX);
        let start = self.indent(content, end, 0);
        if start.at >= end {
            self.close();
            self.is_after_blank = true;
            return;
        }
        if quotes != self.quotes {
            self.close();
            self.quotes = quotes;
            self.list = 0;
        }
        self.words(start, end);
        self.is_after_blank = false;
    }

    /// Whether a line belongs to the open fenced block, which it may close.
    fn is_fenced(&mut self, start: usize, end: usize) -> bool {
        let Some(fence) = &self.fence else {
            return false;
        };
        let (quotes, content) = self.unquote(start, end, fence.quotes);
        let line = self.indent(content, end, 0);
        let is_blank = line.at >= end;
        if quotes < fence.quotes || (!is_blank && line.column < fence.column) {
            self.fence = None;
            return false;
        }
        let length = self.run(line.at, end, fence.mark);
        let is_alone = self.indent(line.at + length, end, 0).at >= end;
        if length >= fence.length && is_alone && line.column < fence.column + CODE_INDENT {
            self.fence = None;
        }
        true
    }

    /// Skips the quote markers at the start of a line, at most `most`.
    fn unquote(&self, start: usize, end: usize, most: usize) -> (usize, usize) {
        let mut content = start;
        let mut quotes = 0;
        while quotes < most {
            let mark = content + self.run(content, end, b' ');
            if mark - content >= CODE_INDENT || mark >= end || self.bytes.at(mark) != Some(b'>') {
                break;
            }
            content = mark + 1 + self.run(mark + 1, end, b' ').min(1);
            quotes += 1;
        }
        (quotes, content)
    }

    /// Skips white space.
    fn indent(&self, content: usize, end: usize, column: usize) -> Start {
        let mut start = Start {
            at: content,
            column,
        };
        while start.at < end {
            match self.bytes.at(start.at) {
                Some(b' ') => start.column += 1,
                Some(b'\t') => start.column += CODE_INDENT - start.column % CODE_INDENT,
                _ => break,
            }
            start.at += 1;
        }
        start
    }

    /// A line that contains words or code.
    fn words(&mut self, mut start: Start, end: usize) {
        if self.is_after_blank && start.column < self.list {
            self.list = 0;
        }
        // Each iteration skips the marker of a list item; lists may be nested.
        loop {
            let inner = start.column.saturating_sub(self.list);
            if inner >= CODE_INDENT {
                // Code never begins within a paragraph.
                if self.paragraph.is_some() {
                    self.extend(start.at, end);
                }
                return;
            }
            if self.opens_fence(start, end) {
                return;
            }
            let Some(next) = self.list_item(start, end) else {
                break;
            };
            self.close();
            start = next;
            if start.at >= end {
                return;
            }
        }
        if self.is_rule(start.at, end) {
            self.close();
        } else if self.is_heading(start.at, end) {
            self.close();
            self.blocks.push(start.at..end);
        } else {
            self.extend(start.at, end);
        }
    }

    fn opens_fence(&mut self, start: Start, end: usize) -> bool {
        let Some(mark) = self
            .bytes
            .at(start.at)
            .filter(|mark| matches!(mark, b'`' | b'~'))
        else {
            return false;
        };
        let length = self.run(start.at, end, mark);
        if length < FENCE_MIN {
            return false;
        }
        let info = self.bytes.part(start.at + length, end);
        if mark == b'`' && (info.contains(&b'`') || self.closes_span(length, info, end)) {
            return false;
        }
        self.close();
        self.fence = Some(Fence {
            mark,
            length,
            quotes: self.quotes,
            column: self.list.min(start.column),
        });
        true
    }

    /// Whether backticks at the start of a line close a code span instead of opening a block: a span is open,
    /// and no later line would close the block. People write code after words on the same line.
    fn closes_span(&self, length: usize, info: &[u8], end: usize) -> bool {
        let later = self.closings.partition_point(|(start, _)| *start < end);
        let is_closed = self
            .closings
            .get(later)
            .is_some_and(|(_, longest)| *longest >= length);
        let is_alone = info.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        self.span == Some(length) && is_alone && !is_closed
    }

    /// Start of the words of a list item, if the line has a list marker here.
    fn list_item(&mut self, start: Start, end: usize) -> Option<Start> {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        let digits = self.bytes.skip(start.at, end, is_digit) - start.at;
        let mark = self
            .bytes
            .at(start.at + digits)
            .filter(|_| start.at + digits < end)?;
        let width = match (digits, mark) {
            (0, b'-' | b'+' | b'*') => 1,
            (1..=9, b'.' | b')') => digits + 1,
            _ => return None,
        };
        let behind = start.column + width;
        let words = self.indent(start.at + width, end, behind);
        if words.at < end && words.column == behind {
            return None;
        }
        // More white space than this after the marker belongs to the item itself: it is code.
        let is_code = words.at < end && words.column > behind + CODE_INDENT;
        self.list = if is_code { behind + 1 } else { words.column };
        Some(words)
    }

    /// Whether a line underlines a heading or is a thematic break.
    fn is_rule(&self, at: usize, end: usize) -> bool {
        let line = self.bytes.part(at, end);
        let Some(mark) = line.first().filter(|mark| b"-=*_".contains(mark)) else {
            return false;
        };
        let is_rule = line
            .iter()
            .all(|byte| byte == mark || matches!(byte, b' ' | b'\t'));
        is_rule && (*mark != b'=' || self.paragraph.is_some())
    }

    fn is_heading(&self, at: usize, end: usize) -> bool {
        let level = self.run(at, end, b'#');
        let behind = self.bytes.at(at + level).filter(|_| at + level < end);
        (1..=6).contains(&level) && behind.is_none_or(|byte| matches!(byte, b' ' | b'\t'))
    }

    fn extend(&mut self, at: usize, end: usize) {
        match &mut self.paragraph {
            Some(paragraph) => paragraph.end = end,
            None => self.paragraph = Some(at..end),
        }
        let mut at = at;
        while at < end {
            let length = self.run(at, end, b'`');
            match self.span {
                None if length > 0 => self.span = Some(length),
                Some(open) if length == open => self.span = None,
                _ => {}
            }
            at += length.max(1);
        }
    }

    fn close(&mut self) {
        self.blocks.extend(self.paragraph.take());
        self.span = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        blocks(text).into_iter().map(|block| &text[block]).collect()
    }

    #[test]
    fn fenced_code_is_left_out_up_to_its_own_fence() {
        for (text, expected) in [
            ("a\n```\nb\n```\nc", vec!["a", "c"]),
            ("a\r\n~~~ rust\r\nb\r\n```\r\n~~~\r\nc", vec!["a", "c"]),
            ("a\r```\rb\r```\rc", vec!["a", "c"]),
            ("   ````\nb\n```\nb\n  ``````  \nc", vec!["c"]),
            ("```\nb\n    ```\nb", vec![]),
            ("```a`\nb", vec!["```a`\nb"]),
            ("``\nb\n``", vec!["``\nb\n``"]),
            ("> ```\n> b\nc", vec!["c"]),
            ("> ```\n> > b\n> ```\n> c", vec!["c"]),
            ("```\n> b\n```\nc", vec!["c"]),
            ("- ```\n  b\n  ```\n  c", vec!["c"]),
            ("- ```\n  b\nc", vec!["c"]),
            ("a ```\nb\n```\nc", vec!["a ```\nb\n```\nc"]),
            ("a ```\n```\nb\n```", vec!["a ```"]),
            ("a ```\nb\n````\nc", vec!["a ```\nb"]),
            ("1. a\n\n   ~~~\n   b\n   ~~~\n\nc", vec!["a", "c"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn indented_code_is_left_out_and_does_not_begin_in_a_paragraph() {
        for (text, expected) in [
            ("    b", vec![]),
            ("\tb", vec![]),
            ("  \tb", vec![]),
            ("   a", vec!["a"]),
            ("a\n\n    b\n\n    b\nc", vec!["a", "c"]),
            ("a\n    a\nc", vec!["a\n    a\nc"]),
            ("# a\n    b", vec!["# a"]),
            ("a\n---\n    b", vec!["a"]),
            (">     b\n> c", vec!["c"]),
            ("> a\n\n    b", vec!["a"]),
            ("- a\n\n    c\n\n      b", vec!["a", "c"]),
            ("10) a\n\n    c", vec!["a", "c"]),
            ("-     b", vec![]),
            ("- - a\n\n    c", vec!["a", "c"]),
            ("- a\n\nc\n\n    b", vec!["a", "c"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn paragraphs_items_and_headings_are_blocks_of_their_own() {
        for (text, expected) in [
            ("a\nb\n\nc", vec!["a\nb", "c"]),
            ("- a\n- b\n* c", vec!["a", "b", "c"]),
            ("a\n# b\nc", vec!["a", "# b", "c"]),
            ("a\n#b\n-c\n1.d", vec!["a\n#b\n-c\n1.d"]),
            ("> a\n> b\nc", vec!["a\n> b", "c"]),
            ("", vec![]),
            (" \n\t\n-\n2.", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}

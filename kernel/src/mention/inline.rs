//! The words of a block that may be mentions. Code spans, link targets and bare addresses are not prose and
//! are left out.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Candidate;
use super::bytes::Bytes;

/// Maximum number of brackets open at once in a link target; a target with more is invalid. This limits how
/// often a byte is read.
const TARGET_DEPTH_MAX: usize = 32;
/// Length of a scheme in angle brackets.
const SCHEME_CHARS: Range<usize> = 2..33;

/// Adds the candidates of a block to `found`.
pub(super) fn read(text: &str, block: Range<usize>, found: &mut Vec<Candidate>) {
    let bytes = Bytes::until(text, block.end);
    let reader = Reader {
        bytes,
        end: block.end,
        ticks: ticks(bytes, block.clone()),
        host: block.start,
        brackets: 0,
    };
    reader.read(block.start, found);
}

/// Start positions of runs of backticks, by length.
fn ticks(bytes: Bytes<'_>, block: Range<usize>) -> BTreeMap<usize, Vec<usize>> {
    let mut ticks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut at = block.start;
    while at < block.end {
        let behind = bytes.skip(at, block.end, |byte| byte == b'`');
        if behind > at {
            ticks.entry(behind - at).or_default().push(at);
        }
        at = behind + 1;
    }
    ticks
}

struct Reader<'t> {
    bytes: Bytes<'t>,
    /// The end of the block.
    end: usize,
    ticks: BTreeMap<usize, Vec<usize>>,
    /// Start of the letters, digits, dots, hyphens and colons before the current position.
    host: usize,
    /// Number of open square brackets.
    brackets: usize,
}

impl Reader<'_> {
    fn at(&self, at: usize) -> Option<u8> {
        self.bytes.at(at).filter(|_| at < self.end)
    }

    fn skip(&self, at: usize, is_part: impl Fn(u8) -> bool) -> usize {
        self.bytes.skip(at, self.end, is_part)
    }

    fn read(mut self, start: usize, found: &mut Vec<Candidate>) {
        let mut at = start;
        while let Some(end) = self.definition(at) {
            at = end;
        }
        self.host = at;
        while let Some(byte) = self.at(at) {
            let next = match byte {
                b'@' => candidate(self.bytes, at, false).map(|candidate| {
                    let end = candidate.end;
                    found.push(candidate);
                    end
                }),
                b'`' => Some(self.code_span(at)),
                b'\\' => self.escape(at),
                b'[' => {
                    self.brackets += 1;
                    None
                }
                b']' => self.target(at),
                b'<' => self.angle(at),
                _ => self.address(at, byte),
            };
            let is_host = byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
            at = next.unwrap_or(at + 1);
            if next.is_some() || !is_host {
                self.host = at;
            }
        }
    }

    /// The end of a code span that begins here, or of the backticks alone if none does.
    fn code_span(&self, at: usize) -> usize {
        let length = self.run(at);
        let behind = at + length;
        self.closing(behind, length)
            .map_or(behind, |end| end + length)
    }

    fn run(&self, at: usize) -> usize {
        self.skip(at, |byte| byte == b'`') - at
    }

    /// The next run of this many backticks.
    fn closing(&self, from: usize, length: usize) -> Option<usize> {
        let runs = self.ticks.get(&length)?;
        runs.get(runs.partition_point(|run| *run < from)).copied()
    }

    /// The end of a backslash escape, if it escapes a character that is special here.
    fn escape(&self, at: usize) -> Option<usize> {
        let next = self.at(at + 1)?;
        b"`[]<\\".contains(&next).then_some(at + 2)
    }

    /// The end of a link target that follows a closing bracket.
    fn target(&mut self, at: usize) -> Option<usize> {
        if self.brackets == 0 {
            return None;
        }
        self.brackets -= 1;
        let open = at + 1;
        (self.at(open) == Some(b'(')).then(|| self.target_end(open + 1))?
    }

    fn target_end(&self, start: usize) -> Option<usize> {
        let start = self.blanks(start);
        let behind = if self.at(start) == Some(b'<') {
            self.until(start + 1, b'>')?
        } else {
            self.bare_target_end(start)?
        };
        let end = self.blanks(self.title_end(behind).unwrap_or(behind));
        (self.at(end) == Some(b')')).then_some(end + 1)
    }

    fn bare_target_end(&self, start: usize) -> Option<usize> {
        let mut at = start;
        let mut depth = 0;
        loop {
            match self.at(at)? {
                b'\\' => at += 1,
                b'(' => depth += 1,
                b')' if depth == 0 => return Some(at),
                b')' => depth -= 1,
                byte if byte.is_ascii_whitespace() => return Some(at),
                _ => {}
            }
            if depth > TARGET_DEPTH_MAX {
                return None;
            }
            at += 1;
        }
    }

    fn blanks(&self, at: usize) -> usize {
        self.skip(at, |byte| byte.is_ascii_whitespace())
    }

    /// The position after the next `end`; `None` if another target begins before it.
    fn until(&self, start: usize, end: u8) -> Option<usize> {
        let mut at = start;
        loop {
            match self.at(at)? {
                byte if byte == end => return Some(at + 1),
                b'\\' => at += 1,
                b']' if self.at(at + 1) == Some(b'(') => return None,
                _ => {}
            }
            at += 1;
        }
    }

    /// The end of a link reference definition, if one begins here.
    fn definition(&self, at: usize) -> Option<usize> {
        self.at(at).filter(|byte| *byte == b'[')?;
        let label = self.skip(at + 1, |byte| !matches!(byte, b'[' | b']'));
        if self.at(label) != Some(b']') || self.at(label + 1) != Some(b':') {
            return None;
        }
        let target = self.blanks(label + 2);
        let behind = self.skip(target, |byte| !byte.is_ascii_whitespace());
        let end = match self.title_end(behind) {
            Some(end) => end,
            None if self.ends_line(behind) => behind,
            None => return None,
        };
        (behind > target && self.ends_line(end)).then(|| self.blanks(end))
    }

    /// The end of a link title that follows white space here.
    fn title_end(&self, behind: usize) -> Option<usize> {
        let title = self.blanks(behind);
        let end = match self.at(title).filter(|_| title > behind)? {
            quote @ (b'"' | b'\'') => quote,
            b'(' => b')',
            _ => return None,
        };
        self.until(title + 1, end)
    }

    fn ends_line(&self, at: usize) -> bool {
        let next = self.at(self.skip(at, |byte| matches!(byte, b' ' | b'\t')));
        next.is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
    }

    /// The end of an address in angle brackets.
    fn angle(&self, at: usize) -> Option<usize> {
        let scheme = at + 1;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        let behind = self.skip(scheme, is_scheme);
        if !SCHEME_CHARS.contains(&(behind - scheme)) || self.at(behind) != Some(b':') {
            return None;
        }
        let is_part = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'<' | b'>');
        let end = self.skip(behind, is_part);
        (self.at(end) == Some(b'>')).then_some(end + 1)
    }

    /// The end of a bare address recognised here: by its scheme, by `www.`, or as a host with a path.
    fn address(&self, at: usize, byte: u8) -> Option<usize> {
        if !matches!(byte, b'/' | b'.') {
            return None;
        }
        let host = self.bytes.part(self.host, at);
        let is_address = match byte {
            b'/' if host.last() == Some(&b':') => {
                let scheme = host.get(host.len().checked_sub(2)?)?;
                self.at(at + 1) == Some(b'/') && scheme.is_ascii_alphanumeric()
            }
            b'/' => is_host(host),
            b'.' => host.eq_ignore_ascii_case(b"www"),
            _ => false,
        };
        is_address.then(|| self.address_end(at))
    }

    /// An address ends at white space, at an angle bracket, or where a code span begins.
    fn address_end(&self, start: usize) -> usize {
        let mut at = start;
        while let Some(byte) = self.at(at) {
            let length = self.run(at);
            if byte.is_ascii_whitespace()
                || matches!(byte, b'<' | b'>')
                || length > 0 && self.closing(at + length, length).is_some()
            {
                break;
            }
            at += length.max(1);
        }
        at
    }
}

/// Whether a text is a host name with at least two labels, the last one of letters, and optionally a port.
fn is_host(text: &[u8]) -> bool {
    let (name, port) = match text.iter().position(|byte| *byte == b':') {
        Some(colon) => text.split_at(colon),
        None => (text, &[][..]),
    };
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let is_top = |label: &[u8]| label.len() >= 2 && label.iter().all(u8::is_ascii_alphabetic);
    let has_top = labels.next().is_some_and(is_top);
    is_port && has_top && labels.next().is_some_and(|label| !label.is_empty())
}

/// The candidate that begins with the `@` at a position; it must not follow a letter or digit, even with
/// underscores between. Underscores are part of words if `in_words`, and emphasis otherwise.
pub(super) fn candidate(bytes: Bytes<'_>, at: usize, in_words: bool) -> Option<Candidate> {
    let mut before = at.checked_sub(1);
    while !in_words && before.and_then(|at| bytes.at(at)) == Some(b'_') {
        before = before.and_then(|at| at.checked_sub(1));
    }
    let before = before.and_then(|at| bytes.at(at));
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let start = at + 1;
    bytes.at(start).filter(u8::is_ascii_alphanumeric)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    let end = bytes.skip(start, usize::MAX, is_name);
    Some(Candidate { start, end })
}

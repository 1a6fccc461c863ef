//! Carrying out a search: from a query to the posts and files that somebody may see.

use std::ops::Bound;
use std::sync::Arc;

use causeway_engine::Snapshot;
use causeway_kernel::authority;
use causeway_kernel::model::{Channel, File, Post, User};
use causeway_kernel::rows::id::{ChannelNo, FileNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::query::{Page, channels};
use tantivy::collector::{FilterCollector, TopDocs};
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery, RangeQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Order, Searcher, Term};

use crate::index::{AT, About, CHANNEL, Entry, Fields, found};
use crate::query::{Query, Term as Searched};
use crate::text::{Wanted, folded, wanted};
use crate::{Search, SearchError};

/// Words to which a word with `*` expands at most.
const EXPANSIONS_MAX: u32 = 1_000;
/// Results that are looked at for a page, at most; beyond them nothing is found.
const CANDIDATES_MAX: usize = 10_000;
/// Results on a page, at most.
pub const PER_PAGE_MAX: u32 = causeway_views::query::PER_PAGE_MAX;

type Plan = Box<dyn tantivy::query::Query>;

/// A search.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who searches.
    pub user: UserNo,
    /// In which team; direct and group channels belong to all.
    pub team: Option<TeamNo>,
    /// What for.
    pub query: Query,
    /// Whether one of the words is enough.
    pub is_or: bool,
    /// Whether archived channels are searched, too.
    pub with_archived: bool,
    /// The page.
    pub page: Page,
}

/// Posts, newest first.
pub type PostsFound = Vec<PostNo>;
/// Files, newest first.
pub type FilesFound = Vec<FileNo>;

/// What is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Posts,
    Files,
}

impl Search {
    /// The posts that a search finds as of a snapshot, which has everything that the searcher has written.
    /// Blocks the thread.
    ///
    /// # Errors
    /// If there is no index, or it cannot be read.
    pub fn posts(&self, rows: &Snapshot, request: &Request) -> Result<PostsFound, SearchError> {
        let found = self.find(rows, request, Kind::Posts)?;
        let post = |about| match about {
            About::Post(no) => Some(no),
            About::File(_) => None,
        };
        Ok(found.into_iter().filter_map(post).collect())
    }

    /// As [`Search::posts`], for files by their names.
    ///
    /// # Errors
    /// As [`Search::posts`].
    pub fn files(&self, rows: &Snapshot, request: &Request) -> Result<FilesFound, SearchError> {
        let found = self.find(rows, request, Kind::Files)?;
        let file = |about| match about {
            About::File(no) => Some(no),
            About::Post(_) => None,
        };
        Ok(found.into_iter().filter_map(file).collect())
    }

    fn find(
        &self,
        rows: &Snapshot,
        request: &Request,
        kind: Kind,
    ) -> Result<Vec<About>, SearchError> {
        let shown = self.shown(rows.seq())?;
        let channels = searched_channels(rows, request);
        let fields = shown.fields;
        let Some(plan) = plan(rows, &fields, request, kind).filter(|_| !channels.is_empty()) else {
            return Ok(Vec::new());
        };
        let found = Pages {
            rows,
            request,
            searcher: shown.reader.searcher(),
            plan,
            channels: Arc::new(channels),
        };
        found.page().map_err(|error| self.is_damaged(&error))
    }
}

/// The channels in which a search looks: whether, by number. The caller is a member of each.
fn searched_channels(rows: &Snapshot, request: &Request) -> Vec<bool> {
    let Request { query, user, .. } = request;
    let named = |names: &[String], no: ChannelNo, channel: &Channel| {
        names
            .iter()
            .any(|name| is_named(rows, *user, name, no, channel))
    };
    let numbers = channels::numbers_of_user(rows, *user);
    let all = rows.get_all::<Channel>(&numbers).into_iter();
    let mut searched = Vec::new();
    for (no, channel) in numbers.iter().zip(all) {
        let Some(channel) = channel else {
            continue;
        };
        let in_team = channel
            .place
            .team()
            .is_none_or(|team| request.team.is_none_or(|it| it == team));
        let is_searched = in_team
            && (channel.delete_at == 0 || request.with_archived)
            && (query.within.is_empty() || named(&query.within, *no, &channel))
            && !named(&query.not_within, *no, &channel);
        let place = usize::try_from(no.0).unwrap_or(usize::MAX);
        if is_searched {
            if searched.len() <= place {
                searched.resize(place + 1, false);
            }
            if let Some(slot) = searched.get_mut(place) {
                *slot = true;
            }
        }
    }
    searched
}

/// Whether `in:` means a channel by this name: its name or id, or `@` with the other member of a direct one.
fn is_named(rows: &Snapshot, user: UserNo, name: &str, no: ChannelNo, channel: &Channel) -> bool {
    let Some(other) = name.strip_prefix('@') else {
        let name = name.trim_start_matches('~');
        return channel.name == name || channel.id.as_str() == name;
    };
    let id = |user: UserNo| rows.get::<User>(&user).map(|row| row.id.to_string());
    let other = lookup::username(rows, other).and_then(id);
    let Some((one, other)) = id(user).zip(other) else {
        return false;
    };
    let (first, second) = if one < other {
        (one, other)
    } else {
        (other, one)
    };
    lookup::direct_channel(rows, &format!("{first}__{second}")) == Some(no)
}

/// The query of the index; `None` if nothing can match.
fn plan(rows: &Snapshot, fields: &Fields, request: &Request, kind: Kind) -> Option<Plan> {
    let Request { query, is_or, .. } = request;
    if query.is_empty() {
        return None;
    }
    let wanted: Vec<Plan> = terms(fields, &query.wanted, kind);
    // Nothing but punctuation asks for nothing.
    let has_filters = !(query.from.is_empty()
        && query.within.is_empty()
        && query.times.is_empty()
        && query.extensions.is_empty());
    if wanted.is_empty() && !query.wanted.is_empty() && !has_filters {
        return None;
    }
    let is_alone = wanted.is_empty();
    let mut clauses: Vec<(Occur, Plan)> = Vec::new();
    if *is_or && !is_alone {
        clauses.push((Occur::Must, Box::new(BooleanQuery::union(wanted))));
    } else {
        clauses.extend(wanted.into_iter().map(|plan| (Occur::Must, plan)));
    }
    if !query.from.is_empty() {
        clauses.push((Occur::Must, Box::new(authors(rows, fields, &query.from)?)));
    }
    let not_from = authors(rows, fields, &query.not_from);
    clauses.extend(not_from.map(|plan| (Occur::MustNot, Box::new(plan) as Plan)));
    let unwanted = terms(fields, &query.unwanted, kind);
    clauses.extend(unwanted.into_iter().map(|plan| (Occur::MustNot, plan)));
    if kind == Kind::Files {
        let extensions = |names: &[String]| extensions(fields, names);
        let wanted = extensions(&query.extensions);
        clauses.extend(wanted.map(|plan| (Occur::Must, plan)));
        let unwanted = extensions(&query.not_extensions);
        clauses.extend(unwanted.map(|plan| (Occur::MustNot, plan)));
    }
    if is_alone {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    Some(Box::new(BooleanQuery::new(clauses)))
}

fn terms(fields: &Fields, searched: &[Searched], kind: Kind) -> Vec<Plan> {
    let plan = |term: &Searched| match (term, kind) {
        (Searched::Words { text, is_prefix }, _) => {
            let field = match kind {
                Kind::Posts => fields.words,
                Kind::Files => fields.name,
            };
            wanted(text, *is_prefix).map(|wanted| words(field, &wanted))
        }
        (Searched::Hashtag { tag, is_prefix }, Kind::Posts) => {
            Some(hashtag(fields.tags, &folded(tag), *is_prefix))
        }
        // Files have no hashtags.
        (Searched::Hashtag { .. }, Kind::Files) => Some(Box::new(EmptyQuery) as Plan),
    };
    searched.iter().filter_map(plan).collect()
}

fn words(field: Field, wanted: &Wanted) -> Plan {
    let terms = wanted.tokens.iter();
    let terms: Vec<Term> = terms.map(|it| Term::from_field_text(field, it)).collect();
    if wanted.is_prefix {
        let mut query = PhrasePrefixQuery::new(terms);
        query.set_max_expansions(EXPANSIONS_MAX);
        return Box::new(query);
    }
    match <[Term; 1]>::try_from(terms) {
        Ok([term]) => Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
        Err(terms) => Box::new(PhraseQuery::new(terms)),
    }
}

fn hashtag(field: Field, tag: &str, is_prefix: bool) -> Plan {
    let term = Term::from_field_text(field, tag);
    if !is_prefix {
        return Box::new(TermQuery::new(term, IndexRecordOption::Basic));
    }
    let end = Term::from_field_text(field, &format!("{tag}\u{10ffff}"));
    Box::new(RangeQuery::new(Bound::Included(term), Bound::Excluded(end)))
}

/// Whatever one of these users wrote; `None` if nobody has such a name.
fn authors(rows: &Snapshot, fields: &Fields, names: &[String]) -> Option<BooleanQuery> {
    let user = |name: &String| lookup::username(rows, name.trim_start_matches('@'));
    let by = |user: UserNo| {
        let term = Term::from_field_u64(fields.user, user.0);
        Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Plan
    };
    let plans: Vec<Plan> = names.iter().filter_map(user).map(by).collect();
    (!plans.is_empty()).then(|| BooleanQuery::union(plans))
}

fn extensions(fields: &Fields, names: &[String]) -> Option<Plan> {
    let one = |name: &String| {
        let name = folded(name.trim_start_matches('.'));
        let term = Term::from_field_text(fields.extension, &name);
        Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Plan
    };
    let plans: Vec<Plan> = names.iter().map(one).collect();
    (!plans.is_empty()).then(|| Box::new(BooleanQuery::union(plans)) as Plan)
}

/// A search in the index, whose results are checked against the rows.
struct Pages<'a> {
    rows: &'a Snapshot,
    request: &'a Request,
    searcher: Searcher,
    plan: Plan,
    channels: Arc<Vec<bool>>,
}

impl Pages<'_> {
    /// The page.
    fn page(&self) -> tantivy::Result<Vec<About>> {
        let page = self.request.page;
        let skip = usize::try_from(page.skip()).unwrap_or(usize::MAX);
        let needed = skip.saturating_add(page.per_page());
        if skip >= CANDIDATES_MAX {
            return Ok(Vec::new());
        }
        let mut limit = needed.min(CANDIDATES_MAX);
        loop {
            let candidates = self.candidates(limit)?;
            let is_all = candidates.len() < limit || limit == CANDIDATES_MAX;
            let seen = candidates
                .into_iter()
                .filter(|(about, version)| self.is_seen(*about, *version));
            let seen: Vec<About> = seen.map(|(about, _)| about).collect();
            if is_all || seen.len() >= needed {
                return Ok(seen.into_iter().skip(skip).take(page.per_page()).collect());
            }
            // Some were not to be seen.
            limit = limit.saturating_mul(4).min(CANDIDATES_MAX);
        }
    }

    /// The newest results, at most `limit`, with the versions that were found.
    fn candidates(&self, limit: usize) -> tantivy::Result<Vec<(About, u64)>> {
        let channels = Arc::clone(&self.channels);
        let is_searched = move |channel: u64| {
            let place = usize::try_from(channel).unwrap_or(usize::MAX);
            channels.get(place).copied().unwrap_or(false)
        };
        let newest = TopDocs::with_limit(limit).order_by_fast_field::<i64>(AT, Order::Desc);
        let newest = FilterCollector::new(CHANNEL.to_string(), is_searched, newest);
        let query = &self.request.query;
        let addresses = if query.times.is_empty() && query.not_times.is_empty() {
            self.searcher.search(&*self.plan, &newest)?
        } else {
            let query = query.clone();
            let is_at = move |at_ms: i64| query.is_at(at_ms);
            let newest = FilterCollector::new(AT.to_string(), is_at, newest);
            self.searcher.search(&*self.plan, &newest)?
        };
        let mut out = Vec::with_capacity(addresses.len());
        for (at, address) in addresses {
            let what = found(&self.searcher, address)?;
            out.extend(what.map(|(about, version)| (at, about, version)));
        }
        out.sort_by_key(|found| std::cmp::Reverse((found.0, found.1)));
        Ok(out
            .into_iter()
            .map(|(_, about, version)| (about, version))
            .collect())
    }

    /// Whether what was found is still so, and the searcher may see it.
    fn is_seen(&self, about: About, version: u64) -> bool {
        let (rows, user) = (self.rows, self.request.user);
        let is_same = |entry: Option<Entry>| entry.is_some_and(|entry| entry.version == version);
        match about {
            About::Post(no) => rows.get::<Post>(&no).is_some_and(|post| {
                authority::is_channel_member(rows, post.channel, user)
                    && authority::may_read_post(rows, no, user)
                    && is_same(Entry::of_post(no, post))
            }),
            About::File(no) => rows.get::<File>(&no).is_some_and(|file| {
                file.post.is_some()
                    && authority::is_channel_member(rows, file.channel, user)
                    && authority::may_read_file(rows, &file, user)
                    && is_same(Some(Entry::of_file(no, file)))
            }),
        }
    }
}

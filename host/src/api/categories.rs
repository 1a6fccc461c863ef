//! Categories of the sidebar: each user's own, by team. Client API §15.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use causeway_kernel::command::{Command, PersonalChange, SetPersonal};
use causeway_kernel::model::PersonalKind;
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::categories::{self, Category, CategoryKind};
use causeway_views::query::notifications::{self, NotifyProps};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json, random_id};

/// Maximum categories of a user in a team; one more is refused.
const CATEGORIES_PER_TEAM_MAX: usize = 50;
/// Maximum characters of a category's name; more is refused.
const NAME_CHARS_MAX: usize = 64;
/// How clients may sort the channels of a category.
const SORTINGS: [&str; 4] = ["", "alpha", "recent", "manual"];

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    let all = "/users/{user_id}/teams/{team_id}/channels/categories";
    Router::new()
        .route(all, get(list).post(create).put(update_many))
        .route(&format!("{all}/order"), get(order).put(set_order))
        .route(
            &format!("{all}/{{category}}"),
            get(one).put(update_one).delete(remove),
        )
}

/// A category as clients send it; what follows from its kind is ignored.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: String,
    display_name: Option<String>,
    sorting: Option<String>,
    muted: Option<bool>,
    collapsed: Option<bool>,
    channel_ids: Option<Vec<String>>,
}

/// The categories of the caller in a team, as they are being changed.
struct Sidebar<'a> {
    app: &'a App,
    user: UserNo,
    team: TeamNo,
    before: Vec<Category>,
    categories: Vec<Category>,
}

impl<'a> Sidebar<'a> {
    fn open(app: &'a App, caller: &Caller, ids: &Ids) -> Result<Sidebar<'a>, ApiError> {
        let rows = app.rows();
        let user = ids.caller_alone(&rows, caller)?;
        let team = ids.own_team(&rows, caller)?;
        let before = categories::of_team(&rows, user, team);
        Ok(Sidebar {
            app,
            user,
            team,
            categories: before.clone(),
            before,
        })
    }

    /// The place of the category with an id.
    fn find(&self, id: &str) -> Result<usize, ApiError> {
        let rows = self.app.rows();
        let views = Views::new(&rows, Viewer::System);
        let is_it = |it: &Category| views.category_id(self.user, self.team, it) == id;
        self.categories.iter().position(is_it).ok_or_else(|| {
            ApiError::not_found(
                "app.channel.sidebar_categories.app_error",
                "sidebar category",
            )
        })
    }

    /// Changes a category. Its channels leave the others; those that the caller is not a member of are left out.
    fn update(&mut self, place: usize, body: Body) -> Result<(), ApiError> {
        let listed = body.channel_ids.map(|ids| self.own_channels(&ids));
        let Some(category) = self.categories.get_mut(place) else {
            return Err(ApiError::internal());
        };
        if let Some(name) = body.display_name
            && category.kind() == CategoryKind::Custom
        {
            category.display_name = checked_name(name)?;
        }
        if let Some(sorting) = body.sorting {
            if !SORTINGS.contains(&sorting.as_str()) {
                return Err(ApiError::invalid_body("sorting"));
            }
            category.sorting = sorting;
        }
        category.muted = body.muted.unwrap_or(category.muted);
        category.collapsed = body.collapsed.unwrap_or(category.collapsed);
        let Some(channels) = listed else {
            return Ok(());
        };
        for (other, category) in self.categories.iter_mut().enumerate() {
            if other == place {
                category.channels.clone_from(&channels);
            } else {
                category.channels.retain(|no| !channels.contains(no));
            }
        }
        Ok(())
    }

    /// The channels of the team's sidebar that are named, each once.
    fn own_channels(&self, ids: &[String]) -> Vec<ChannelNo> {
        let rows = self.app.rows();
        let own: Vec<ChannelNo> = self
            .before
            .iter()
            .flat_map(|it| &it.channels)
            .copied()
            .collect();
        let mut channels = Vec::new();
        // No more are looked up than there can be.
        for id in ids.iter().take(own.len()) {
            let no = lookup::channel(&rows, id);
            if let Some(no) = no.filter(|no| own.contains(no) && !channels.contains(no)) {
                channels.push(no);
            }
        }
        channels
    }

    /// Stores what has changed, and mutes or unmutes the channels of categories accordingly.
    async fn store(&self) -> Result<(), ApiError> {
        let team_id = Views::new(&self.app.rows(), Viewer::System).team_id(self.team);
        let changed = self
            .categories
            .iter()
            .filter(|it| !self.before.contains(it));
        let gone = self.before.iter().filter(|old| {
            let mut left = self.categories.iter();
            !left.any(|it| it.key == old.key)
        });
        let name = |it: &Category| categories::stored_name(&team_id, &it.key);
        let set = changed.map(|it| PersonalChange {
            name: name(it),
            value: Some(it.value()),
        });
        let delete = gone.map(|it| PersonalChange {
            name: name(it),
            value: None,
        });
        let changes = set.chain(delete).collect();
        self.set_personal(PersonalKind::SidebarCategory, changes)
            .await?;
        self.mute().await
    }

    async fn mute(&self) -> Result<(), ApiError> {
        let mut changes = Vec::new();
        let rows = self.app.rows();
        let views = Views::new(&rows, Viewer::System);
        for category in &self.categories {
            let old = self.before.iter().find(|old| old.key == category.key);
            if old.is_none_or(|old| old.muted == category.muted) {
                continue;
            }
            let word = if category.muted { "mention" } else { "all" };
            for channel in &category.channels {
                let id = views.channel_id(*channel);
                let change = NotifyProps::from([("mark_unread".into(), word.into())]);
                let value = notifications::changed_of_channel(&rows, self.user, &id, change);
                changes.push(PersonalChange {
                    name: id,
                    value: Some(value),
                });
            }
        }
        // An event is about one membership.
        for change in changes {
            self.set_personal(PersonalKind::ChannelNotifications, vec![change])
                .await?;
        }
        Ok(())
    }

    async fn set_personal(
        &self,
        kind: PersonalKind,
        changes: Vec<PersonalChange>,
    ) -> Result<(), ApiError> {
        if changes.is_empty() {
            return Ok(());
        }
        let command = Command::SetPersonal(SetPersonal { kind, changes });
        self.app.act(self.user, command).await?;
        Ok(())
    }

    /// One category as it is stored now.
    fn show(&self, key: &str) -> ApiResult {
        let rows = self.app.rows();
        let views = Views::new(&rows, Viewer::of(&rows, self.user));
        let all = categories::of_team(&rows, self.user, self.team);
        let found = all.iter().find(|it| it.key == key);
        let found = found.ok_or_else(ApiError::internal)?;
        let view = views.category(self.user, self.team, found);
        Ok(Rendered::new(json::text(&view)))
    }
}

fn checked_name(name: String) -> Result<String, ApiError> {
    let length = name.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&length) {
        Ok(name)
    } else {
        Err(ApiError::invalid_body("display_name"))
    }
}

async fn list(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let sidebar = Sidebar::open(&app, &caller, &ids)?;
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let all = views.categories(sidebar.user, sidebar.team, &sidebar.categories);
    Ok(Rendered::new(all))
}

/// The caller's new category is the second of all, as in the reference.
async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(mut body): Json<Body>,
) -> ApiResult {
    let mut sidebar = Sidebar::open(&app, &caller, &ids)?;
    if sidebar.categories.len() >= CATEGORIES_PER_TEAM_MAX {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "causeway.categories.too_many.app_error",
            format!(
                "A sidebar has at most {CATEGORIES_PER_TEAM_MAX} categories. Delete one first."
            ),
        ));
    }
    let name = checked_name(body.display_name.take().unwrap_or_default())?;
    let mut category = Category::new(random_id().as_str());
    category.display_name = name;
    let key = category.key.clone();
    sidebar.categories.insert(1, category);
    renumber(&mut sidebar.categories);
    sidebar.update(1, body)?;
    sidebar.store().await?;
    sidebar.show(&key)
}

fn renumber(categories: &mut [Category]) {
    for (place, category) in (0..).zip(categories) {
        category.sort_order = categories::sort_order(place);
    }
}

async fn update_many(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(bodies): Json<Vec<Body>>,
) -> ApiResult {
    let mut sidebar = Sidebar::open(&app, &caller, &ids)?;
    if bodies.len() > CATEGORIES_PER_TEAM_MAX {
        return Err(ApiError::invalid_body("categories"));
    }
    let mut places = Vec::new();
    for body in bodies {
        let place = sidebar.find(&body.id)?;
        sidebar.update(place, body)?;
        places.push(place);
    }
    sidebar.store().await?;
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let updated = places
        .iter()
        .filter_map(|place| sidebar.categories.get(*place));
    let updated = updated.map(|it| views.category(sidebar.user, sidebar.team, it));
    Ok(Rendered::new(json::text(&updated.collect::<Vec<_>>())))
}

async fn order(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let sidebar = Sidebar::open(&app, &caller, &ids)?;
    Ok(show_order(&sidebar))
}

fn show_order(sidebar: &Sidebar<'_>) -> Rendered {
    let rows = sidebar.app.rows();
    let views = Views::new(&rows, Viewer::System);
    let ids = sidebar.categories.iter();
    let ids = ids.map(|it| views.category_id(sidebar.user, sidebar.team, it));
    Rendered::new(json::text(&ids.collect::<Vec<_>>()))
}

async fn set_order(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(order): Json<Vec<String>>,
) -> ApiResult {
    let mut sidebar = Sidebar::open(&app, &caller, &ids)?;
    let invalid = || ApiError::invalid_body("order");
    if order.len() != sidebar.categories.len() {
        return Err(invalid());
    }
    let mut ordered: Vec<Category> = Vec::new();
    for id in &order {
        let place = sidebar.find(id).map_err(|_| invalid())?;
        let category = sidebar.categories.get(place).ok_or_else(invalid)?;
        if ordered.iter().any(|it| it.key == category.key) {
            return Err(invalid());
        }
        ordered.push(category.clone());
    }
    renumber(&mut ordered);
    sidebar.categories = ordered;
    sidebar.store().await?;
    Ok(show_order(&sidebar))
}

async fn one(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let sidebar = Sidebar::open(&app, &caller, &ids)?;
    let place = sidebar.find(ids.get("category"))?;
    let found = sidebar
        .categories
        .get(place)
        .ok_or_else(ApiError::internal)?;
    sidebar.show(&found.key)
}

async fn update_one(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<Body>,
) -> ApiResult {
    let mut sidebar = Sidebar::open(&app, &caller, &ids)?;
    let place = sidebar.find(ids.get("category"))?;
    sidebar.update(place, body)?;
    sidebar.store().await?;
    let updated = sidebar
        .categories
        .get(place)
        .ok_or_else(ApiError::internal)?;
    sidebar.show(&updated.key)
}

/// Deletes one of the caller's own categories; its channels return to where their kind belongs.
async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let mut sidebar = Sidebar::open(&app, &caller, &ids)?;
    let place = sidebar.find(ids.get("category"))?;
    let category = sidebar.categories.remove(place);
    if category.kind() != CategoryKind::Custom {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "app.channel.sidebar_categories.delete_invalid.app_error",
            "Only a category of your own can be deleted.",
        ));
    }
    sidebar.store().await?;
    Ok(Rendered::ok())
}

//! A workspace on disk with a channel of two users, and its index.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_engine::{Engine, EngineOptions};
use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{
    AddChannelMember, AddTeamMember, Command, CreateChannel, CreatePost, CreateTeam, CreateUser,
    DeletePost, EditPost, RemoveChannelMember,
};
use causeway_kernel::model::{ChannelKind, Config};
use causeway_kernel::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use causeway_search::query::Query;
use causeway_search::{FOLLOWED, Request, Search, SearchError};
use causeway_views::query::Page;

/// The first user; an admin.
pub const ANN: UserNo = UserNo(1);
/// The second user.
pub const BOB: UserNo = UserNo(2);
/// Their channel: the third, after the team's two.
pub const CHANNEL: ChannelNo = ChannelNo(3);
/// How long an index may take to be current.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A workspace that is open, with its index.
pub struct Workspace {
    pub engine: Engine,
    pub search: Search,
    data: PathBuf,
}

impl Workspace {
    /// A new workspace.
    pub async fn create(data: &Path) -> Workspace {
        let opened = Workspace::open(data);
        for name in ["ann", "bob"] {
            let named = CreateUser::named(name, format!("{name}@acme.example"));
            let admin = name == "ann";
            let command = CreateUser { admin, ..named };
            opened
                .submit(Actor::System, Command::CreateUser(command))
                .await;
        }
        let team = CreateTeam {
            name: "acme".into(),
            display_name: "Acme".into(),
            description: String::new(),
            is_open: true,
        };
        let channel = CreateChannel {
            team: TeamNo(1),
            name: "harbour".into(),
            display_name: "Harbour".into(),
            header: String::new(),
            purpose: String::new(),
            kind: ChannelKind::Public,
        };
        let (team_no, user, channel_no) = (TeamNo(1), BOB, CHANNEL);
        let commands = [
            Command::CreateTeam(team),
            Command::AddTeamMember(AddTeamMember {
                team: team_no,
                user,
            }),
            Command::CreateChannel(channel),
            Command::AddChannelMember(AddChannelMember {
                channel: channel_no,
                user,
            }),
        ];
        for command in commands {
            opened.submit(Actor::User(ANN), command).await;
        }
        opened
    }

    /// Opens the workspace of a folder.
    pub fn open(data: &Path) -> Workspace {
        // The indexer says why it failed, if it does.
        let lines = tracing_subscriber::fmt().with_test_writer();
        let _ = lines.try_init();
        let (engine, _effects) = Engine::open(EngineOptions {
            data_dir: data.to_path_buf(),
            genesis: Genesis {
                site_url: "http://127.0.0.1:8065".into(),
                config: Config::default(),
            },
            followed: FOLLOWED,
            ..EngineOptions::default()
        })
        .unwrap();
        let search = Search::start(data, engine.clone()).unwrap();
        Workspace {
            engine,
            search,
            data: data.to_path_buf(),
        }
    }

    /// Ends it as the service does, in order.
    pub async fn close(self) -> PathBuf {
        self.engine.shutdown().await;
        self.search.stop();
        self.data
    }

    /// Opens it again after its index was left as `change` leaves it.
    pub async fn again(self, change: impl FnOnce(&Path)) -> Workspace {
        let data = self.close().await;
        change(&data.join("search"));
        Workspace::open(&data)
    }

    async fn submit(&self, actor: Actor, command: Command) -> Reply {
        let key = None;
        let input = Input::Command {
            actor,
            key,
            command,
        };
        self.engine.submit(input).await.unwrap()
    }

    /// Ann writes a post.
    pub async fn post(&self, message: &str) -> PostNo {
        let command = Command::CreatePost(CreatePost {
            channel: CHANNEL,
            root: None,
            message: message.into(),
            props: String::new(),
            kind: String::new(),
            priority: None,
            files: Vec::new(),
        });
        match self.submit(Actor::User(ANN), command).await {
            Reply::Object(Object::Post(post)) => post,
            other => panic!("{other:?}"),
        }
    }

    /// Ann changes a post.
    pub async fn edit(&self, post: PostNo, message: &str) {
        let command = Command::EditPost(EditPost {
            post,
            message: Some(message.into()),
            props: None,
            is_pinned: None,
        });
        self.submit(Actor::User(ANN), command).await;
    }

    /// Ann deletes a post.
    pub async fn delete(&self, post: PostNo) {
        let command = Command::DeletePost(DeletePost { post });
        self.submit(Actor::User(ANN), command).await;
    }

    /// Ann removes Bob from the channel.
    pub async fn remove_bob(&self) {
        let command = RemoveChannelMember {
            channel: CHANNEL,
            user: BOB,
        };
        let command = Command::RemoveChannelMember(command);
        self.submit(Actor::User(ANN), command).await;
    }

    /// What somebody finds at once, newest first.
    pub fn at_once(&self, user: UserNo, terms: &str) -> Result<Vec<PostNo>, SearchError> {
        let request = Request {
            user,
            team: None,
            query: Query::parse(terms, 0),
            is_or: false,
            with_archived: false,
            page: Page::new(0, 0),
        };
        self.search.posts(&self.engine.snapshot(), &request)
    }

    /// What somebody finds once the index has everything.
    pub fn found(&self, user: UserNo, terms: &str) -> Vec<PostNo> {
        let seq = self.engine.snapshot().seq();
        assert!(self.search.wait(seq, DEADLINE), "the index is not current");
        self.at_once(user, terms).unwrap()
    }
}

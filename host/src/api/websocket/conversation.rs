//! A WebSocket from the first message to the last.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_kernel::rows::lookup;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::requests::{self, SocketRequest};
use super::socket::{End, Socket};
use super::statuses;
use crate::app::{App, Caller};
use crate::http::connections::Slot;
use crate::http::{SERVER_VERSION, Who};
use crate::hub::{Ending, Line, Next};
use crate::vault::Secret;

/// How long a socket may take to authenticate.
const CHALLENGE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a client is pinged and its session checked again.
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// After this time without any message, a client is considered gone.
const SILENCE_MAX: Duration = Duration::from_secs(100);

const NOT_AUTHENTICATED: End = End::Ours(CloseCode::Policy, "not authenticated");
const EVICTED: End = End::Ours(CloseCode::Again, "too many connections");

/// Where a client says it lost its connection.
pub struct Resume {
    /// The line.
    pub id: String,
    /// Number of the first event it missed.
    pub sequence: Option<u64>,
}

/// A client that opens a socket.
pub struct Guest {
    /// The caller, if the request was authenticated.
    pub caller: Option<Caller>,
    /// Slot of the HTTP connection.
    pub slot: Option<Arc<Slot>>,
    /// Where to resume.
    pub resume: Resume,
}

/// An authenticated client.
struct Member<'a> {
    app: &'a App,
    caller: Caller,
    line: Arc<Line>,
    /// Number of the socket among those that read the line.
    number: u64,
}

impl Guest {
    /// Runs the socket from beginning to end.
    pub async fn welcome(self, app: &App, mut socket: Socket) {
        let slot = self.slot.clone();
        let evicted = async {
            match slot {
                Some(slot) => slot.evicted().await,
                None => pending().await,
            }
        };
        let end = tokio::select! {
            end = self.talk(app, &mut socket) => end,
            () = evicted => EVICTED,
        };
        socket.close(end).await;
    }

    async fn talk(self, app: &App, socket: &mut Socket) -> End {
        let (caller, answer_to) = match self.caller {
            Some(caller) => (caller, None),
            None => match timeout(CHALLENGE_TIMEOUT, challenge(app, socket)).await {
                Ok(Ok((caller, seq))) => (caller, Some(seq)),
                Ok(Err(end)) => return end,
                Err(_) => return NOT_AUTHENTICATED,
            },
        };
        if let Some(slot) = &self.slot {
            slot.know(Who::User(caller.user));
        }
        let (user, session) = (caller.user, caller.session.id);
        let resumed = self
            .resume
            .sequence
            .and_then(|from| app.hub.resume(&self.resume.id, user, session, from));
        let Some((line, number)) = resumed.or_else(|| app.hub.open(user, session, hello)) else {
            return End::Ours(CloseCode::Again, "too many WebSockets of this user");
        };
        app.presence.connected(user, app.engine.now_ms());
        let member = Member {
            app,
            caller,
            line,
            number,
        };
        let Err(end) = member.converse(socket, answer_to).await;
        end
    }
}

/// Waits for an authentication challenge, which must have a valid token.
async fn challenge(app: &App, socket: &mut Socket) -> Result<(Caller, i64), End> {
    loop {
        let Some(text) = socket.receive().await? else {
            continue;
        };
        let request = SocketRequest::parse(&text)?;
        if request.action == "authentication_challenge" {
            let token = request.data.get("token").and_then(|token| token.as_str());
            let caller = token.and_then(|token| app.caller(Secret::new(token)).ok());
            return caller
                .map(|caller| (caller, request.seq))
                .ok_or(NOT_AUTHENTICATED);
        }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.app.hub.detach(&self.line, self.number);
        let now_ms = self.app.engine.now_ms();
        self.app.presence.disconnected(self.caller.user, now_ms);
    }
}

impl Member<'_> {
    /// Sends events and answers requests until one side ends the connection.
    async fn converse(
        &self,
        socket: &mut Socket,
        answer_to: Option<i64>,
    ) -> Result<Infallible, End> {
        if let Some(seq) = answer_to {
            // `hello`, which is already queued, is sent before the reply to the challenge.
            if let Some(next) = self.line.try_next(self.number) {
                self.send(socket, next).await?;
            }
            socket.send(requests::reply(seq, None)).await?;
        }
        let mut heard = Instant::now();
        let mut pings = tokio::time::interval(PING_INTERVAL);
        pings.reset();
        loop {
            tokio::select! {
                next = self.line.next(self.number) => self.send(socket, next).await?,
                text = socket.receive() => {
                    heard = Instant::now();
                    if let Some(text) = text? {
                        self.answer(socket, &text).await?;
                    }
                }
                _ = pings.tick() => {
                    if heard.elapsed() >= SILENCE_MAX {
                        return Err(End::Ours(CloseCode::Policy, "no sign of life"));
                    }
                    if self.app.caller(self.caller.token.clone()).is_err() {
                        return Err(end_of(Ending::SessionEnded));
                    }
                    socket.ping().await?;
                }
            }
        }
    }

    async fn send(&self, socket: &mut Socket, next: Next) -> Result<(), End> {
        match next {
            Next::Frame(frame, number) => socket.send_event(&frame, number).await,
            Next::Ended(ending) => Err(end_of(ending)),
        }
    }

    async fn answer(&self, socket: &mut Socket, text: &str) -> Result<(), End> {
        let request = SocketRequest::parse(text)?;
        if request.seq > 0
            && let Some(data) = statuses::answer(self.app, self.caller.user, &request)
        {
            return socket.send(requests::reply(request.seq, data)).await;
        }
        if request.action == "user_typing" {
            self.typing(&request);
        }
        match requests::answer(&request, &self.line.id) {
            Some(reply) => socket.send(reply).await,
            None => Ok(()),
        }
    }
}

impl Member<'_> {
    fn typing(&self, request: &SocketRequest) {
        let text = |name: &str| request.data.get(name).and_then(Value::as_str);
        let rows = self.app.rows();
        let channel = text("channel_id").and_then(|id| lookup::channel(&rows, id));
        let root = text("parent_id").unwrap_or_default();
        let is_known = root.is_empty() || lookup::post(&rows, root).is_some();
        drop(rows);
        if let Some(channel) = channel.filter(|_| is_known) {
            self.app.typing(self.caller.user, channel, root);
        }
    }
}

fn end_of(ending: Ending) -> End {
    match ending {
        Ending::TooSlow => End::Ours(CloseCode::Policy, "too slow"),
        Ending::Replaced => End::Ours(CloseCode::Policy, "resumed elsewhere"),
        Ending::SessionEnded => End::Ours(CloseCode::Policy, "the session ended"),
        Ending::ServiceEnds => End::Ours(CloseCode::Away, "the service ends"),
    }
}

fn hello(connection_id: &str) -> String {
    let data = json!({ "server_version": SERVER_VERSION, "connection_id": connection_id });
    let broadcast = r#"{"omit_users":null,"user_id":"","channel_id":"","team_id":"","connection_id":"","omit_connection_id":""}"#;
    format!("{{\"event\":\"hello\",\"data\":{data},\"broadcast\":{broadcast}")
}

//! What integrations write.

use causeway_kernel::authority;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{Command, CreatePost};
use causeway_kernel::model::Priority;
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use serde_json::Value;

use crate::app::App;
use crate::http::ApiError;
use crate::integrations::{Cookies, Message, Place};

/// Where an integration writes, and in whose name.
pub struct Written {
    /// The author, whose permissions it needs.
    pub author: Actor,
    /// The channel.
    pub channel: ChannelNo,
    /// The thread, if in one.
    pub root: Option<PostNo>,
    /// The priority, if any.
    pub priority: Option<Priority>,
}

impl Written {
    /// Writes a message.
    ///
    /// # Errors
    /// The kernel's refusal, as if the author had written it.
    pub async fn write(self, app: &App, message: &Message) -> Result<(), ApiError> {
        let place = Place {
            channel: self.channel,
            author: authority::acting_user(&app.rows(), self.author)?,
        };
        let props = Value::from(message.props()).to_string();
        let command = Command::CreatePost(CreatePost {
            channel: self.channel,
            root: self.root,
            message: message.text(),
            props: app
                .integrations
                .seal(&app.vault, props, place, Cookies::Dropped)
                .await?,
            kind: String::new(),
            priority: self.priority,
            files: Vec::new(),
        });
        app.carry_out(self.author, None, command).await?;
        Ok(())
    }
}

//! A link between two workspaces that can be cut: a TCP relay on loopback. While it is cut, new
//! connections are closed at once, and open ones end immediately, even in the middle of a message.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The relay. Dropping it closes the port.
pub struct Cable {
    /// Port on 127.0.0.1 at which the relay listens.
    pub port: u16,
    is_whole: watch::Sender<bool>,
    relay: JoinHandle<()>,
}

impl Cable {
    /// Starts a relay to a port on 127.0.0.1.
    pub async fn lay(to_port: u16) -> Result<Cable> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let is_whole = watch::Sender::new(true);
        let state = is_whole.subscribe();
        let to = SocketAddr::from(([127, 0, 0, 1], to_port));
        let relay = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, to, state.clone()));
            }
        });
        Ok(Cable {
            port,
            is_whole,
            relay,
        })
    }

    /// URL of the workspace behind the cable.
    #[must_use]
    pub fn site_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Cuts the link.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// Lets new connections pass again.
    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn carry(mut near: TcpStream, to: SocketAddr, mut state: watch::Receiver<bool>) {
    if !*state.borrow() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(to).await else {
        return;
    };
    // Either way both connections end here; there is nobody to report an error to.
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = state.wait_for(|whole| !whole) => {}
    }
}

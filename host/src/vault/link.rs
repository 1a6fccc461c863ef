//! The tokens of connections.
//!
//! A connection has two: the one that the peer presents to us, kept as a digest, and the one that we present,
//! which must be readable. During a handshake there are more, and the state that the *workspace* gives the
//! connection decides which of them are in force: its step is the moment at which a handshake succeeds. So a
//! crash between any two writes leaves a state with one meaning:
//!
//! | workspace | vault | in force for the peer | action at startup |
//! |---|---|---|---|
//! | unknown | any | nothing | the row is an orphan and is deleted |
//! | pending | nothing | nothing | nothing; the next code gets a new token |
//! | pending | `Invited` | the invitation's token | nothing |
//! | pending | `Answering` | the invitation's token | back to `Invited`: the peer was not told yes |
//! | confirming | `Accepting` | ours for the peer | the confirmation is verified or repeated |
//! | confirmed | `Answering` | the next token | `Established` |
//! | confirmed | `Accepting` | ours for the peer | `Established` |
//! | confirmed | `Established` | the token | nothing |
//! | removed | any | nothing | the row is deleted |

use causeway_kernel::model::ConnectionState;
use causeway_kernel::rows::id::Id;
use serde::{Deserialize, Serialize};

use super::secret::{Secret, TokenDigest};
use super::{SWEEP_ROWS_MAX, Vault, VaultError, decode, encode, key, kind, read_row};

/// The vault's row for a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LinkSecrets {
    /// We invited; this is the token inside the codes. It is readable, as every further code of the same
    /// pending connection contains it.
    Invited {
        /// The invitation's token.
        invitation: Secret,
    },
    /// A peer confirms our invitation: these tokens come into force with the step that confirms the
    /// connection.
    Answering {
        /// The invitation's token.
        invitation: Secret,
        /// The tokens that replace it.
        next: NextTokens,
    },
    /// We accept an invitation: everything needed to call the inviter, again if necessary.
    Accepting {
        /// The invitation's token, for the confirmation only.
        invitation: Secret,
        /// The token that the inviter presents from now on; readable, as a repeated confirmation contains it.
        token: Secret,
        /// The token that we present once the confirmation has succeeded.
        remote_token: Secret,
        /// `version` of the invitation.
        version: i64,
    },
    /// Both sides hold each other's tokens.
    Established(NextTokens),
}

/// The two tokens of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextTokens {
    /// The token that the peer presents.
    pub token: TokenDigest,
    /// The token that we present.
    pub remote_token: Secret,
}

/// The tokens currently in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The token that the peer presents.
    pub token: TokenDigest,
    /// The token that we present; `None` before anybody has accepted our invitation.
    pub remote_token: Option<Secret>,
}

impl LinkSecrets {
    /// The tokens in force while the workspace gives the connection this state.
    #[must_use]
    pub fn in_force(&self, state: ConnectionState) -> Option<InForce> {
        let both = |tokens: &NextTokens| InForce {
            token: tokens.token,
            remote_token: Some(tokens.remote_token.clone()),
        };
        match (state, self) {
            (
                ConnectionState::Pending,
                LinkSecrets::Invited { invitation } | LinkSecrets::Answering { invitation, .. },
            ) => Some(InForce {
                token: TokenDigest::of(invitation.expose()),
                remote_token: None,
            }),
            (
                ConnectionState::Confirmed,
                LinkSecrets::Answering { next, .. } | LinkSecrets::Established(next),
            ) => Some(both(next)),
            (ConnectionState::Confirming | ConnectionState::Confirmed, _) => {
                self.accepted().map(|tokens| both(&tokens))
            }
            _ => None,
        }
    }

    /// The row for a state of the workspace, as a start or the end of a handshake sets it. `None`: the row is
    /// deleted.
    #[must_use]
    pub fn settled(&self, state: Option<ConnectionState>) -> Option<LinkSecrets> {
        match (state?, self) {
            (ConnectionState::Removed, _) => None,
            (ConnectionState::Pending, LinkSecrets::Answering { invitation, .. }) => {
                Some(LinkSecrets::Invited {
                    invitation: invitation.clone(),
                })
            }
            (ConnectionState::Confirmed, LinkSecrets::Answering { next, .. }) => {
                Some(LinkSecrets::Established(next.clone()))
            }
            (ConnectionState::Confirmed, LinkSecrets::Accepting { .. }) => {
                self.accepted().map(LinkSecrets::Established)
            }
            _ => Some(self.clone()),
        }
    }

    fn accepted(&self) -> Option<NextTokens> {
        match self {
            LinkSecrets::Accepting {
                token,
                remote_token,
                ..
            } => Some(NextTokens {
                token: TokenDigest::of(token.expose()),
                remote_token: remote_token.clone(),
            }),
            _ => None,
        }
    }

    /// Name of the state, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            LinkSecrets::Invited { .. } => "invited",
            LinkSecrets::Answering { .. } => "answering",
            LinkSecrets::Accepting { .. } => "accepting",
            LinkSecrets::Established(_) => "established",
        }
    }
}

impl Vault {
    /// The vault's row for a connection.
    ///
    /// # Errors
    /// Those of the store.
    pub fn link(&self, remote_id: Id) -> Result<Option<LinkSecrets>, VaultError> {
        self.read(&link_key(remote_id))
    }

    /// Stores the row of a connection.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn put_link(&self, remote_id: Id, link: LinkSecrets) -> Result<(), VaultError> {
        let row = encode(&link)?;
        self.write(move |_| Ok((vec![(link_key(remote_id), Some(row))], ())))
            .await
    }

    /// Removes everything that the vault holds for a connection.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove_link(&self, remote_id: Id) -> Result<(), VaultError> {
        self.write(move |_| Ok((vec![(link_key(remote_id), None)], ())))
            .await
    }

    /// The invitation's token of a pending connection, created now if there is none.
    ///
    /// # Errors
    /// Those of the store; [`VaultError::Row`] if the connection is not pending here.
    pub async fn invitation_token(&self, remote_id: Id) -> Result<Secret, VaultError> {
        let fresh = Secret::token()?;
        self.write(move |store| match read_row(store, &link_key(remote_id))? {
            Some(LinkSecrets::Invited { invitation })
            | Some(LinkSecrets::Answering { invitation, .. }) => Ok((Vec::new(), invitation)),
            Some(_) => Err(VaultError::Row),
            None => {
                let row = encode(&LinkSecrets::Invited {
                    invitation: fresh.clone(),
                })?;
                Ok((vec![(link_key(remote_id), Some(row))], fresh))
            }
        })
        .await
    }

    /// Reconciles the row of a connection with its state in the workspace.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn settle_link(
        &self,
        remote_id: Id,
        state: Option<ConnectionState>,
    ) -> Result<(), VaultError> {
        self.write(move |store| {
            let Some(link) = read_row::<LinkSecrets>(store, &link_key(remote_id))? else {
                return Ok((Vec::new(), ()));
            };
            let row = link.settled(state).map(|link| encode(&link)).transpose()?;
            Ok((vec![(link_key(remote_id), row)], ()))
        })
        .await
    }

    /// At startup: reconciles every row with the workspace and removes orphans. `state` looks a connection
    /// up. Returns the number of rows removed.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_links<F>(&self, state: F) -> Result<usize, VaultError>
    where
        F: Fn(Id) -> Option<ConnectionState> + Send + Sync + 'static,
    {
        let state = std::sync::Arc::new(state);
        let (mut after, mut removed) = (Vec::new(), 0);
        loop {
            let (from, state) = (after, std::sync::Arc::clone(&state));
            let (last, count) = self
                .write(move |store| {
                    let rows = store.scan(&[kind::LINK], &from, SWEEP_ROWS_MAX)?;
                    let (mut changes, mut count) = (Vec::new(), 0);
                    for (row_key, row) in &rows {
                        let link: LinkSecrets = decode(row)?;
                        let settled = remote_id_of(row_key)
                            .and_then(|remote_id| link.settled(state(remote_id)));
                        count += usize::from(settled.is_none());
                        let row = settled.map(|link| encode(&link)).transpose()?;
                        changes.push((row_key.clone(), row));
                    }
                    let full = rows.len() == SWEEP_ROWS_MAX;
                    let last = rows.into_iter().next_back().map(|(key, _)| key);
                    Ok((changes, (last.filter(|_| full), count)))
                })
                .await?;
            removed += count;
            match last {
                Some(key) => after = key,
                None => return Ok(removed),
            }
        }
    }
}

fn link_key(remote_id: Id) -> Vec<u8> {
    key(kind::LINK, &[remote_id.as_bytes()])
}

fn remote_id_of(row_key: &[u8]) -> Option<Id> {
    Id::parse(std::str::from_utf8(row_key.get(1..)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::super::new_id;
    use super::super::testing::cheap_vault;
    use super::*;
    use ConnectionState::{Confirmed, Confirming, Pending, Removed};

    fn tokens(token: &str, remote_token: &str) -> NextTokens {
        NextTokens {
            token: TokenDigest::of(token),
            remote_token: Secret::new(remote_token),
        }
    }

    fn rows() -> [LinkSecrets; 4] {
        let invitation = Secret::new("t0");
        [
            LinkSecrets::Invited {
                invitation: invitation.clone(),
            },
            LinkSecrets::Answering {
                invitation: invitation.clone(),
                next: tokens("ta", "tb"),
            },
            LinkSecrets::Accepting {
                invitation,
                token: Secret::new("tb"),
                remote_token: Secret::new("ta"),
                version: 3,
            },
            LinkSecrets::Established(tokens("ta", "tb")),
        ]
    }

    /// Which of `t0`, `ta`, `tb` the peer may present, and what we present.
    fn in_force(link: &LinkSecrets, state: ConnectionState) -> Option<(&'static str, String)> {
        let found = link.in_force(state)?;
        let token = ["t0", "ta", "tb"]
            .into_iter()
            .find(|token| found.token.is_of(token))?;
        let remote_token = found.remote_token.map(|token| token.expose().to_string());
        Some((token, remote_token.unwrap_or_default()))
    }

    #[test]
    fn the_workspace_decides_which_tokens_are_in_force() {
        let [invited, answering, accepting, established] = &rows();
        let t0 = || Some(("t0", String::new()));
        let (inviter, acceptor) = (
            || Some(("ta", "tb".to_string())),
            || Some(("tb", "ta".to_string())),
        );
        assert_eq!(in_force(invited, Pending), t0());
        assert_eq!(in_force(answering, Pending), t0());
        assert_eq!(in_force(answering, Confirmed), inviter());
        assert_eq!(in_force(established, Confirmed), inviter());
        assert_eq!(in_force(accepting, Confirming), acceptor());
        assert_eq!(in_force(accepting, Confirmed), acceptor());
        for (link, state) in [
            (invited, Confirming),
            (invited, Confirmed),
            (accepting, Pending),
            (established, Pending),
            (established, Confirming),
        ] {
            assert_eq!(in_force(link, state), None);
        }
        for link in &rows() {
            assert_eq!(in_force(link, Removed), None);
        }
    }

    #[tokio::test]
    async fn a_start_brings_every_row_in_line_with_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let cases = [
            (0, Some(Pending), Some("invited")),
            (1, Some(Pending), Some("invited")),
            (1, Some(Confirmed), Some("established")),
            (2, Some(Confirming), Some("accepting")),
            (2, Some(Confirmed), Some("established")),
            (3, Some(Confirmed), Some("established")),
            (2, None, None),
            (0, Some(Removed), None),
            (3, Some(Removed), None),
        ];
        let mut states = std::collections::BTreeMap::new();
        let mut expected = Vec::new();
        for (row, state, name) in cases {
            let remote_id = new_id().unwrap();
            vault
                .put_link(remote_id, rows()[row].clone())
                .await
                .unwrap();
            states.insert(remote_id, state);
            expected.push((remote_id, state, name));
        }
        let look_up = move |remote_id| states.get(&remote_id).copied().flatten();
        assert_eq!(vault.sweep_links(look_up).await.unwrap(), 3);
        for (remote_id, state, name) in expected {
            let link = vault.link(remote_id).unwrap();
            assert_eq!(link.as_ref().map(LinkSecrets::name), name);
            // Settling does not change the tokens in force.
            if let (Some(link), Some(Confirmed)) = (link, state) {
                assert!(in_force(&link, Confirmed).is_some());
            }
        }
    }

    #[tokio::test]
    async fn all_codes_of_a_pending_connection_hold_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let remote_id = new_id().unwrap();
        let first = vault.invitation_token(remote_id).await.unwrap();
        let second = vault.invitation_token(remote_id).await.unwrap();
        assert_eq!(first.expose(), second.expose());
        vault
            .put_link(remote_id, LinkSecrets::Established(tokens("ta", "tb")))
            .await
            .unwrap();
        assert!(vault.invitation_token(remote_id).await.is_err());
    }
}

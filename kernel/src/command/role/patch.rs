//! Granting permissions to a role, and taking them from it.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Permission, Role, RolePermissions};
use crate::objects::next_version;
use crate::rows::tx::{Read, Tx};

/// Gives a role these permissions, and no others.
///
/// # Errors
/// The actor is not a system admin; a permission that would change cannot be granted to this role, or taken from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchRole {
    /// The role.
    pub role: Role,
    /// All permissions that it is to have.
    pub permissions: Vec<Permission>,
}
texts!(struct PatchRole { role, permissions });

impl Act for PatchRole {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_admin(tx, by.actor)?;
        let role = self.role;
        let had = authority::permissions_of(tx, role);
        let known = Permission::ALL.iter().copied();
        let permissions: Vec<Permission> = known
            .filter(|permission| self.permissions.contains(permission))
            .collect();
        let mut changed = Permission::ALL
            .iter()
            .filter(|it| had.contains(it) != permissions.contains(it));
        if let Some(fixed) = changed.find(|it| !role.is_open_to(**it)) {
            return Err(not_allowed(role, *fixed));
        }
        if permissions != had {
            let held = tx.get::<RolePermissions>(&role.number());
            let update_at = next_version(tx.now_ms(), held.map(|row| row.update_at));
            let row = RolePermissions {
                update_at,
                permissions,
            };
            tx.put(&role.number(), &row);
            tx.effect(Effect::Event(Event::RoleUpdated(role)));
        }
        Ok(Reply::Object(Object::Role(role)))
    }
}

fn not_allowed(role: Role, permission: Permission) -> Refusal {
    let why = if role == Role::SystemAdmin {
        "what system admins may do is fixed"
    } else {
        "connections belong to the whole workspace, so grant it to a role of the system"
    };
    Refusal::new(
        501,
        "api.roles.patch_roles.not_allowed_permission.error",
        format!(
            "The permission `{}` cannot be granted to or taken from the role `{}`: {why}.",
            permission.name(),
            role.name()
        ),
    )
}

//! Who may do what, in one table. Whoever asks, asks [`Role::may`]; the page `docs/roles.md` is
//! written from here, and so are the scopes of API keys.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::role::Role;

/// Whether a key of the API can be given a permission.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grant {
    /// Keys and people.
    AnyKey,
    /// People only: what makes more people or more keys is done by a person.
    PeopleOnly,
}

/// Whether looking is written in the audit log as doing is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// Only what changes something is.
    Free,
    /// Every look is.
    Logged,
}

struct Line {
    permission: Permission,
    word: &'static str,
    roles: &'static [Role],
    grant: Grant,
    looking: Looking,
    says: &'static str,
}

macro_rules! table {
    ($($name:ident $word:literal [$($role:ident)+] $grant:ident $looking:ident $says:literal)+) => {
        /// Something not everybody may do: a kind of operation of the shop's own people.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Permission {
            $(#[doc = $says] $name,)+
        }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        static TABLE: &[Line] = &[$(Line {
            permission: Permission::$name,
            word: $word,
            roles: &[$(Role::$role),+],
            grant: Grant::$grant,
            looking: Looking::$looking,
            says: $says,
        }),+];
    };
}

table! {
    EditCatalog "edit-catalog" [Manager Owner] AnyKey Free
        "Make and change products and categories."
    ChangePrices "change-prices" [Manager Owner] AnyKey Free
        "Change what things cost."
    AdjustStock "adjust-stock" [Warehouse Manager Owner] AnyKey Free
        "Change how many units there are."
    SeeOrders "see-orders" [Support Warehouse Manager Owner] AnyKey Free
        "See the orders of every customer, and what went back of them."
    MoveOrders "move-orders" [Warehouse Manager Owner] AnyKey Free
        "Say that an order is packed, shipped, delivered."
    CancelOrders "cancel-orders" [Support Manager Owner] AnyKey Free
        "Call orders off."
    RefundOrders "refund-orders" [Support Manager Owner] AnyKey Free
        "Give money back."
    RecordCash "record-cash" [Warehouse Manager Owner] AnyKey Free
        "Record the cash that couriers bring."
    SeeConcerns "see-concerns" [Support Manager Owner] AnyKey Free
        "See what of the money waits for a person, and notices that could not be looked into."
    AttendConcerns "attend-concerns" [Support Manager Owner] AnyKey Free
        "Take such things off the list, and have notices looked into again."
    SeeBooks "see-books" [Manager Owner] AnyKey Free
        "See the balances, and a day's books beside those of the gateways."
    MendBooks "mend-books" [Manager Owner] AnyKey Free
        "Mend what differs between the books."
    SeeCustomers "see-customers" [Support Manager Owner] AnyKey Logged
        "Search customers, and see one with their addresses and orders."
    EditCustomers "edit-customers" [Support Manager Owner] AnyKey Free
        "Make customers' accounts, and change their names."
    DisableCustomers "disable-customers" [Manager Owner] AnyKey Free
        "Shut a customer out, and let them in again."
    SeePeople "see-people" [Manager Owner] PeopleOnly Free
        "See who works in the shop, and who is invited."
    InvitePeople "invite-people" [Manager Owner] PeopleOnly Free
        "Invite people to work in the shop, with a role that may do no more than one's own."
    ManagePeople "manage-people" [Owner] PeopleOnly Free
        "Change roles, shut people of the shop out, take a lost second factor off them."
    ManageKeys "manage-keys" [Manager Owner] PeopleOnly Free
        "Make, see and revoke keys of the API, which may do no more than their maker."
    SeeAudit "see-audit" [Manager Owner] AnyKey Free
        "See the audit log."
    ExportAudit "export-audit" [Owner] AnyKey Logged
        "Take the audit log out as a file."
}

impl Permission {
    fn line(self) -> &'static Line {
        // The table has every permission, in the order they are declared.
        &TABLE[self as usize]
    }

    /// Its name in the API: a scope of a key, a fact of a refusal.
    pub fn as_str(self) -> &'static str {
        self.line().word
    }

    /// What it allows, in a sentence.
    pub fn says(self) -> &'static str {
        self.line().says
    }

    /// Whether a key of the API can be given it.
    pub fn is_for_keys(self) -> bool {
        self.line().grant == Grant::AnyKey
    }

    /// Whether looking is written in the audit log as doing is.
    pub fn logs_looking(self) -> bool {
        self.line().looking == Looking::Logged
    }
}

impl Role {
    /// Whether this role may do it: the one table.
    pub fn may(self, permission: Permission) -> bool {
        permission.line().roles.contains(&self)
    }

    /// Whether this role may do everything that `other` may: nobody hands out more than they have.
    pub fn covers(self, other: Self) -> bool {
        Permission::ALL.iter().all(|permission| self.may(*permission) || !other.may(*permission))
    }
}

/// There is no permission of this name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no such permission")]
pub struct NoSuchPermission;

impl FromStr for Permission {
    type Err = NoSuchPermission;

    fn from_str(word: &str) -> Result<Self, NoSuchPermission> {
        let line = TABLE.iter().find(|line| line.word == word);
        line.map(|line| line.permission).ok_or(NoSuchPermission)
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|_| serde::de::Error::custom("is no permission"))
    }
}

/// The table as the page `docs/roles.md`.
pub fn roles_markdown() -> String {
    let mut page = String::from(
        "# Roles\n\n\
         Who may do what in the shop. The names on the left are also the scopes of API keys; a \
         key may never do more than the role of whoever made it. Every operation is checked in \
         one place, against this table. This page is written by `holdfast roles`.\n\n| ",
    );
    // Writing to a string cannot fail.
    let _ = write!(page, "permission | what it allows ");
    for role in Role::ALL {
        let _ = write!(page, "| {} ", role.as_str());
    }
    page.push_str("| for keys |\n|---|---|");
    page.push_str(&"---|".repeat(Role::ALL.len() + 1));
    for line in TABLE {
        let _ = write!(page, "\n| `{}` | {} ", line.word, line.says);
        for role in Role::ALL {
            page.push_str(if line.roles.contains(&role) { "| yes " } else { "| " });
        }
        page.push_str(if line.grant == Grant::AnyKey { "| yes |" } else { "| |" });
    }
    page.push_str(
        "\n\nCustomers do none of it: they see and change what is their own. Looking at customers \
         and taking the log out is written in the audit log; of the rest, what changes \
         something.\n",
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_permission_once() {
        for (index, permission) in Permission::ALL.iter().enumerate() {
            assert_eq!(*permission as usize, index);
            assert_eq!(TABLE[index].permission, *permission);
            assert_eq!(permission.as_str().parse(), Ok(*permission), "words are unique");
            assert!(Role::Owner.may(*permission));
            assert!(!Role::Customer.may(*permission), "customers only buy");
        }
        assert_eq!("root".parse::<Permission>(), Err(NoSuchPermission));
    }

    #[test]
    fn who_may_hand_out_which_role() {
        use Role::{Customer, Manager, Owner, Support, Warehouse};
        for role in Role::ALL {
            assert!(role.covers(role) && role.covers(Customer) && Owner.covers(role));
        }
        assert!(Manager.covers(Support) && Manager.covers(Warehouse));
        for (role, other) in
            [(Manager, Owner), (Support, Warehouse), (Warehouse, Support), (Support, Manager)]
        {
            assert!(!role.covers(other), "{role:?} {other:?}");
        }
    }
}

//! What an account is in this shop. What each may do: `permission.rs`.

use serde::{Deserialize, Serialize};
use store::{FromColumn, Param, Value};

/// What an account is in this shop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys.
    Customer,
    /// Helps customers: sees orders, calls them off, gives money back.
    Support,
    /// Packs, sends and counts.
    Warehouse,
    /// Runs the shop from day to day; changes nobody's role.
    Manager,
    /// Everything.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::Customer, Self::Support, Self::Warehouse, Self::Manager, Self::Owner];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Support => "support",
            Self::Warehouse => "warehouse",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }
}

impl Param for Role {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromColumn for Role {
    fn from_value(value: Value<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|role| value == Value::Text(role.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_json() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::from_value(role.value()), Some(role));
        }
        assert_eq!(Role::from_value(Value::Text("root")), None);
    }
}

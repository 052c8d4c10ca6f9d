//! What is to be told to somebody, on its way to them: sealed, in the outbox.

use kernel::{Fault, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use store::outbox::{Event, LETTER};

use crate::code::Purpose;
use crate::login::LoginKind;

/// A letter to one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Where to: an address or a number, as its kind says.
    pub to: String,
    /// How it goes there.
    pub kind: LoginKind,
    /// What it says.
    pub says: Says,
    /// It is not worth sending after this.
    pub until: Timestamp,
}

/// What a letter says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// A code, and what it is for.
    Code {
        /// What it opens.
        purpose: Purpose,
        /// Six digits.
        digits: String,
    },
    /// Somebody wanted an account with this login, and there is one.
    HasAccount,
    /// The password was set anew.
    PasswordChanged,
    /// The account is reached another way from now on; this is where it was reached before.
    LoginChanged {
        /// What changed.
        kind: LoginKind,
        /// The new one, in part.
        to: String,
    },
    /// The login was proven for the first time; a password that was set before holds no longer.
    PasswordDropped,
    /// Nothing: the letter of an attempt that leads nowhere. It is made all the same, so that
    /// whoever asks cannot tell by the time it takes.
    Nothing,
}

/// A sealed letter as a fact that follows the commit.
pub(crate) fn event(about: Uuid, seq: i64, sealed: &str, at: Timestamp) -> Result<Event, Fault> {
    let payload = serde_json::to_string(&Sealed { sealed: sealed.to_owned() })
        .map_err(|_| Fault::Broken("a letter could not be written".into()))?;
    Ok(Event { aggregate: about, seq, kind: LETTER, payload, at })
}

/// The payload of its event.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) sealed: String,
}

/// Enough of a login for its owner to know it, and too little for anybody else.
pub(crate) fn masked(kind: LoginKind, text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    match (kind, text.rsplit_once('@')) {
        (LoginKind::Email, Some((_, domain))) => format!("{first}•••@{domain}"),
        (LoginKind::Phone, _) => {
            let (start, end) =
                (text.get(..3), text.len().checked_sub(2).and_then(|at| text.get(at..)));
            format!("{} ••• {}", start.unwrap_or_default(), end.unwrap_or_default())
        }
        _ => format!("{first}•••"),
    }
}

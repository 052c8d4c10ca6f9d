//! Who somebody is: accounts, passwords, sessions, roles and delivery addresses.
//!
//! [`Identity`] has the flows that touch nothing but these tables: register, sign in, sign out.
//! [`Sessions::who`] is asked by every request that carries a token.

mod account;
pub mod addresses;
pub mod api_key;
pub mod audit;
pub mod customer;
mod email;
mod error;
pub mod invitation;
mod login;
mod password;
pub mod people;
mod permission;
mod phone;
mod recovery;
mod role;
mod second_factor;
mod session;
mod sign_in;
mod sql;
#[cfg(test)]
mod tests;
mod text;
mod totp;

pub use account::{Account, NewAccount, account, account_by_login};
pub use addresses::{Address, NewAddress};
pub use error::{
    AccountRefusal, AddressRefusal, ApiKeyRefusal, InvitationRefusal, PeopleRefusal,
    SecondFactorRefusal, SignInRefusal,
};
pub use login::{Login, LoginKind};
pub use password::{
    HASHES_AT_ONCE, HASHES_WAITING_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordPolicy,
    Passwords, PolicyInvalid, Verdict, generate_password,
};
pub use permission::{NoSuchPermission, Permission, roles_markdown};
pub use recovery::RECOVERY_CODES;
pub use role::Role;
pub use second_factor::{
    FAILURES_COUNT_FOR, FAILURES_MAX, LOGIN_PENDS_FOR, OfferedTotp, PendingLogin, Proof,
    TRIES_OF_LOGIN_MAX, Ways, ways,
};
pub use session::{CACHED_FOR, IDLE_FOR_MAX, LASTS_FOR_MAX, Sessions, SignedIn, forget_expired};
pub use sign_in::{Identity, SignIn};
pub use totp::totp_now;

/// The tables and statements of accounts, sessions and addresses.
pub static SCHEMA: store::Schema = store::Schema {
    feature: "identity",
    migrations: &[
        store::Migration {
            name: "V1__identity",
            sql: include_str!("../migrations/V1__identity.sql"),
        },
        store::Migration { name: "V4__staff", sql: include_str!("../migrations/V4__staff.sql") },
    ],
    statements: sql::ALL,
};

/// In lower-case hex.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

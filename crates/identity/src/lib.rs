//! Who somebody is: accounts, passwords, sessions, roles and delivery addresses.
//!
//! [`Identity`] has the flows that touch nothing but these tables: register, sign in, sign out.
//! [`Sessions::who`] is asked by every request that carries a token.

mod account;
pub mod addresses;
pub mod api_key;
pub mod audit;
mod budget;
mod code;
mod code_change;
mod code_error;
mod code_letter;
mod code_proof;
mod code_secret;
pub mod consents;
pub mod customer;
mod device;
mod email;
mod error;
pub mod invitation;
mod jwt;
mod login;
mod password;
pub mod people;
mod permission;
pub mod personal;
mod phone;
mod recovery;
mod refresh;
mod revocation;
mod role;
mod second_factor;
mod session;
mod sign_in;
mod sql;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod totp;
mod tries;

pub use account::{Account, NewAccount, account, account_by_login, has_password, rename};
pub use addresses::{Address, NewAddress};
pub use code::{
    CODE_LASTS, CODE_SENDS_MAX, CODE_TRIES_MAX, Code, CodeTerms, CodeWish, Codes, Purpose,
    forget_codes,
};
pub use code_error::{ChangeRefusal, CodeRefusal, ProofRefusal};
pub use code_letter::{Letter, Says};
pub use code_secret::CODE_DIGITS;
pub use device::{Device, Place, end_all_in, places};
pub use error::{
    AccountRefusal, AddressRefusal, ApiKeyRefusal, ConsentRefusal, InvitationRefusal,
    PeopleRefusal, SecondFactorRefusal, SignInRefusal, TokenRefusal,
};
pub use jwt::PublishedKey;
pub use login::{Login, LoginKind};
pub use password::{
    HASHES_AT_ONCE, HASHES_WAITING_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordPolicy,
    Passwords, PolicyInvalid, Verdict, generate_password,
};
pub use permission::{NoSuchPermission, Permission, roles_markdown};
pub use recovery::RECOVERY_CODES;
pub use refresh::{ASKED_AGAIN, TokenPair};
pub use role::Role;
pub use second_factor::{
    FAILURES_COUNT_FOR, FAILURES_MAX, LOGIN_PENDS_FOR, OfferedTotp, PendingLogin, Proof,
    TRIES_OF_LOGIN_MAX, Ways, is_proven, ways,
};
pub use session::{CACHED_FOR, IDLE_FOR_MAX, LASTS_FOR_MAX, Sessions, SignedIn, forget_expired};
pub use sign_in::{Identity, SignIn};
pub use tokens::{ACCESS_LASTS, AccessTokens, Holder, LOOKED_FOR, OLD_MAX, rotate_keys};
pub use totp::totp_now;
pub use tries::{TRIES_FREE, TRIES_MAX, TRIES_WAIT_MAX, forgive_tries};

/// The tables and statements of accounts, sessions and addresses.
pub static SCHEMA: store::Schema = store::Schema {
    feature: "identity",
    migrations: &[
        store::Migration {
            name: "V1__identity",
            sql: include_str!("../migrations/V1__identity.sql"),
        },
        store::Migration { name: "V4__staff", sql: include_str!("../migrations/V4__staff.sql") },
        store::Migration { name: "V5__people", sql: include_str!("../migrations/V5__people.sql") },
        store::Migration { name: "V3__tokens", sql: include_str!("../migrations/V3__tokens.sql") },
        store::Migration { name: "V2__codes", sql: include_str!("../migrations/V2__codes.sql") },
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

//! Who somebody is: accounts, passwords, sessions, roles and delivery addresses.
//!
//! [`Identity`] has the flows that touch nothing but these tables: register, sign in, sign out.
//! [`Sessions::who`] is asked by every request that carries a token.

mod account;
pub mod addresses;
mod budget;
mod code;
mod code_change;
mod code_error;
mod code_letter;
mod code_proof;
mod code_secret;
mod email;
mod error;
mod login;
mod password;
mod phone;
mod role;
mod session;
mod sign_in;
mod sql;
#[cfg(test)]
mod tests;
mod text;

pub use account::{Account, NewAccount, account, account_by_login};
pub use addresses::{Address, NewAddress};
pub use code::{
    CODE_LASTS, CODE_SENDS_MAX, CODE_TRIES_MAX, Code, CodeTerms, CodeWish, Codes, Purpose,
    forget_codes,
};
pub use code_change::has_password;
pub use code_error::{ChangeRefusal, CodeRefusal, ProofRefusal};
pub use code_letter::{Letter, Says};
pub use code_secret::CODE_DIGITS;
pub use error::{AccountRefusal, AddressRefusal, SignInRefusal};
pub use login::{Login, LoginKind};
pub use password::{
    HASHES_AT_ONCE, HASHES_WAITING_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordPolicy,
    Passwords, PolicyInvalid, Verdict, generate_password,
};
pub use role::{Permission, Role};
pub use session::{CACHED_FOR, IDLE_FOR_MAX, LASTS_FOR_MAX, Sessions, SignedIn, forget_expired};
pub use sign_in::{Identity, SignIn};

/// The tables and statements of accounts, sessions and addresses.
pub static SCHEMA: store::Schema = store::Schema {
    feature: "identity",
    migrations: &[
        store::Migration {
            name: "V1__identity",
            sql: include_str!("../migrations/V1__identity.sql"),
        },
        store::Migration { name: "V2__codes", sql: include_str!("../migrations/V2__codes.sql") },
    ],
    statements: sql::ALL,
};

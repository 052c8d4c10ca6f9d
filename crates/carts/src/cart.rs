//! One cart and its lines.

use kernel::{AccountId, CartId, Env, Fault, Timestamp, VariantId};
use store::{Asked, Read, Tx, from_row};

use crate::sql;

/// A cart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cart {
    /// Which.
    pub id: CartId,
    /// Whose, unless it is a visitor's.
    pub account_id: Option<AccountId>,
    /// Counts its changes.
    pub version: i64,
}

from_row!(Cart { id, account_id, version });

/// A line of a cart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// The cart.
    pub cart_id: CartId,
    /// What.
    pub variant_id: VariantId,
    /// How many, above zero.
    pub quantity: i64,
    /// Whether it goes to the next checkout.
    pub selected: bool,
    /// When it was first put in.
    pub added_at: Timestamp,
}

from_row!(Line { cart_id, variant_id, quantity, selected, added_at });

/// The account's cart, if it has one.
pub fn find(read: &mut Read<'_>, account: AccountId) -> Result<Option<Cart>, Fault> {
    read.row(&sql::CART_OF_ACCOUNT, &[&account])
}

/// The cart of whoever holds the token with this SHA-256.
pub fn find_by_token(read: &mut Read<'_>, token_hash: &[u8]) -> Result<Option<Cart>, Fault> {
    read.row(&sql::CART_OF_TOKEN, &[&token_hash])
}

/// The account's cart, made now if it has none. Two that race end with the same.
pub fn get_or_make(tx: &mut Tx<'_>, env: &Env, account: AccountId) -> Result<Cart, Fault> {
    if let Some(cart) = find(tx, account)? {
        return Ok(cart);
    }
    let nobody: Option<Vec<u8>> = None;
    tx.execute(&sql::CART_ADD, &[&env.id::<CartId>(), &account, &nobody, &env.now()])?;
    find(tx, account)?.ok_or_else(|| Fault::Broken("the cart just made is not there".into()))
}

/// A visitor's cart, for the token with this SHA-256.
pub fn make_for_token(tx: &mut Tx<'_>, env: &Env, token_hash: &[u8]) -> Result<Cart, Fault> {
    let nobody: Option<AccountId> = None;
    tx.execute(&sql::CART_ADD, &[&env.id::<CartId>(), &nobody, &token_hash, &env.now()])?;
    find_by_token(tx, token_hash)?
        .ok_or_else(|| Fault::Broken("the cart just made is not there".into()))
}

/// The lines of a cart, in the order they were put in.
pub fn lines(read: &mut Read<'_>, cart: CartId) -> Result<Asked<Line>, Fault> {
    read.ask_by_key(&sql::LINES, [cart])
}

//! The address book as its owner wants to see it.

use std::collections::HashMap;

use identity::{Address, addresses};
use kernel::{AccountId, AddressId, Fault, Uuid};
use store::Read;

/// Orders that are looked at for when an address was used.
const ORDERS: u32 = 50;

/// The addresses of an account: the default one first, then by when they were last used or, if they
/// never were, made.
pub fn address_book(read: &mut Read<'_>, owner: AccountId) -> Result<Vec<Address>, Fault> {
    /// What of an order's address is looked at.
    #[derive(serde::Deserialize)]
    struct Used {
        id: AddressId,
    }
    let mut book = addresses::list(read, owner)?;
    if book.len() < 2 {
        return Ok(book);
    }
    let mut used: HashMap<AddressId, Uuid> = HashMap::new();
    for order in orders::page_of_customer(read, owner, None, ORDERS)?.orders {
        if let Ok(Used { id }) = serde_json::from_str(&order.address) {
            used.entry(id).or_insert(order.id.0);
        }
    }
    // Ids of orders and of addresses both lie in the order of time.
    let last = |address: &Address| used.get(&address.id).copied().unwrap_or(address.id.0);
    book.sort_by_key(|address| std::cmp::Reverse((address.is_default, last(address))));
    Ok(book)
}

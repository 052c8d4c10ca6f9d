//! The carts a batch of commands works on: loaded under lock, changed in memory, written back.

use std::collections::BTreeSet;

use kernel::{CartId, Fault, Timestamp, Uuid, VariantId};
use store::{Param, Tracked, Tx};

use crate::cart::{Cart, Line};
use crate::sql;

/// See the module's words.
#[derive(Default, Debug)]
pub struct Baskets {
    carts: Tracked<CartId, Cart>,
    lines: Tracked<(CartId, VariantId), Line>,
}

impl Baskets {
    /// Loads and locks carts with their lines.
    pub fn load(
        &mut self,
        tx: &mut Tx<'_>,
        carts: impl IntoIterator<Item = CartId>,
    ) -> Result<(), Fault> {
        let ids: BTreeSet<CartId> = carts.into_iter().collect();
        let carts = tx.ask_by_key(&sql::CARTS_LOCKED, ids.iter().copied())?;
        let lines = tx.ask_by_key(&sql::LINES, ids)?;
        let carts: Vec<Cart> = carts.answer(tx)?;
        self.carts.load(carts.into_iter().map(|cart| (cart.id, cart)));
        let lines: Vec<Line> = lines.answer(tx)?;
        self.lines.load(lines.into_iter().map(|line| ((line.cart_id, line.variant_id), line)));
        Ok(())
    }

    /// A loaded cart.
    pub fn cart(&self, cart: CartId) -> Option<&Cart> {
        self.carts.get(cart)
    }

    /// A line of a loaded cart.
    pub fn line(&self, cart: CartId, variant: VariantId) -> Option<&Line> {
        self.lines.get((cart, variant))
    }

    /// All lines of a loaded cart.
    pub fn lines(&self, cart: CartId) -> Vec<Line> {
        let all = (cart, VariantId(Uuid::nil()))..=(cart, VariantId(Uuid::max()));
        self.lines.range(all).map(|(_, line)| *line).collect()
    }

    /// Makes a line be `quantity` units; 0 takes it out.
    pub fn set_quantity(
        &mut self,
        cart: CartId,
        variant_id: VariantId,
        quantity: i64,
        now: Timestamp,
    ) {
        let key = (cart, variant_id);
        if quantity == 0 {
            self.lines.remove(key);
        } else if let Some(line) = self.lines.get_mut(key) {
            line.quantity = quantity;
        } else {
            let line = Line { cart_id: cart, variant_id, quantity, selected: true, added_at: now };
            self.lines.put(key, line);
        }
        self.touch(cart);
    }

    /// Selects a line for checkout, or leaves it for later. False when there is no such line.
    pub fn select(&mut self, cart: CartId, variant: VariantId, selected: bool) -> bool {
        let Some(line) = self.lines.get_mut((cart, variant)) else { return false };
        if line.selected != selected {
            line.selected = selected;
            self.touch(cart);
        }
        true
    }

    /// Counts a change of the cart.
    fn touch(&mut self, cart: CartId) {
        if let Some(cart) = self.carts.get_mut(cart) {
            cart.version += 1;
        }
    }

    /// Writes the difference.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.update_many(&sql::CARTS_SET, &self.carts.changed(), |(id, cart)| {
            [id.value(), cart.version.value()]
        })?;
        // A changed line is taken away and put back: there are few, and one verb less.
        let changed = self.lines.changed();
        let mut gone = self.lines.removed();
        gone.extend(changed.iter().map(|(key, _)| *key));
        tx.delete_many(&sql::LINES_REMOVE, &gone, |(cart, variant)| {
            [cart.value(), variant.value()]
        })?;
        let mut fresh = self.lines.added();
        fresh.extend(changed);
        tx.insert_many(&sql::LINES_ADD, &fresh, |(_, line)| {
            [
                line.cart_id.value(),
                line.variant_id.value(),
                line.quantity.value(),
                line.selected.value(),
                line.added_at.value(),
            ]
        })
    }
}

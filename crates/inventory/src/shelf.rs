//! The stock a batch of commands works on: loaded under lock, changed in memory, written back.
//!
//! Each move keeps `0 <= held <= on_hand`, by checking before it changes anything. The database
//! has the same as constraints.

use kernel::planted::{self, Bug};
use kernel::{AccountId, CartId, Env, Fault, OrderId, Timestamp, Uuid, VariantId};
use store::{Asked, FromRow, Param, Row, Tracked, Tx};

use crate::sql;
use crate::stock::{Cause, Movement, Stock, add_movements};

/// Who a hold is promised to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A cart; the hold ends by itself.
    Cart(CartId),
    /// An unpaid order; the hold ends with it.
    Order(OrderId),
}

impl Holder {
    /// The id, whichever it is.
    pub fn id(self) -> Uuid {
        match self {
            Self::Cart(id) => id.0,
            Self::Order(id) => id.0,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Cart(_) => "cart",
            Self::Order(_) => "order",
        }
    }
}

/// A live promise of units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// To whom.
    pub holder: Holder,
    /// Of what.
    pub variant_id: VariantId,
    /// Units, above zero.
    pub quantity: i64,
    /// When a cart's hold ends; for an order, when it must be paid.
    pub expires_at: Timestamp,
    /// Times the holder asked for more time.
    pub extensions: i64,
}

impl FromRow for Hold {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let owner: Uuid = row.get(0)?;
        let holder = match row.get::<String>(2)?.as_str() {
            "cart" => Holder::Cart(CartId(owner)),
            "order" => Holder::Order(OrderId(owner)),
            other => return Err(Fault::Broken(format!("a hold of kind {other}"))),
        };
        Ok(Self {
            holder,
            variant_id: row.get(1)?,
            quantity: row.get(3)?,
            expires_at: row.get(4)?,
            extensions: row.get(5)?,
        })
    }
}

/// There is not enough of a variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Short {
    /// Of what.
    pub variant_id: VariantId,
    /// Units asked for.
    pub wanted: i64,
    /// Units the asker could have.
    pub available: i64,
}

/// See the module's words.
#[derive(Default, Debug)]
pub struct Shelf {
    stock: Tracked<VariantId, Stock>,
    holds: Tracked<(Uuid, VariantId), Hold>,
    movements: Vec<Movement>,
}

impl Shelf {
    /// Loads the holds of `owners` (carts and orders).
    pub fn load_holds(
        &mut self,
        tx: &mut Tx<'_>,
        owners: impl IntoIterator<Item = Uuid>,
    ) -> Result<(), Fault> {
        let holds: Vec<Hold> = tx.rows_by_key(&sql::HOLDS, owners)?;
        self.holds.load(holds.into_iter().map(|hold| ((hold.holder.id(), hold.variant_id), hold)));
        Ok(())
    }

    /// Asks for the counters of `variants`, and of whatever the loaded holds are of, and locks
    /// them; [`Shelf::take_stock`] takes the answer.
    pub fn ask_stock(
        &self,
        tx: &mut Tx<'_>,
        variants: impl IntoIterator<Item = VariantId>,
    ) -> Result<Asked<Stock>, Fault> {
        let first = (Uuid::nil(), VariantId(Uuid::nil()));
        let last = (Uuid::max(), VariantId(Uuid::max()));
        let held = self.holds.range(first..=last).map(|((_, variant), _)| variant);
        let wanted: Vec<VariantId> = variants.into_iter().chain(held).collect();
        tx.ask_by_key(&sql::STOCK_LOCKED, wanted)
    }

    /// Takes counters as they are in the database.
    pub fn take_stock(&mut self, stock: Vec<Stock>) {
        self.stock.load(stock.into_iter().map(|stock| (stock.variant_id, stock)));
    }

    /// Units of a variant that nobody has been promised; 0 for one that is not counted.
    pub fn available(&self, variant: VariantId) -> i64 {
        self.stock.get(variant).map_or(0, Stock::available)
    }

    /// The promise made to `holder`.
    pub fn hold(&self, holder: Holder, variant: VariantId) -> Option<&Hold> {
        self.holds.get((holder.id(), variant))
    }

    /// All promises made to `holder`.
    pub fn holds(&self, holder: Holder) -> Vec<Hold> {
        let id = holder.id();
        let all = (id, VariantId(Uuid::nil()))..=(id, VariantId(Uuid::max()));
        self.holds.range(all).map(|(_, hold)| *hold).collect()
    }

    /// Makes the promise to `holder` be `quantity` units; 0 ends it. A new promise is good until
    /// `until`; one that is there keeps its end, so that changing it back and forth does not
    /// keep units for ever (see [`Shelf::extend`]). Refuses, and changes nothing, when that many
    /// cannot be promised.
    pub fn promise(
        &mut self,
        holder: Holder,
        variant_id: VariantId,
        quantity: i64,
        until: Timestamp,
    ) -> Result<(), Short> {
        let before = self.hold(holder, variant_id).copied();
        let has = before.map_or(0, |hold| hold.quantity);
        let available = self.available(variant_id) + has;
        if quantity > available + i64::from(planted::is(Bug::OffByOne)) {
            return Err(Short { variant_id, wanted: quantity, available });
        }
        if let Some(stock) = self.stock.get_mut(variant_id) {
            stock.held += quantity - has;
        }
        if quantity > 0 {
            let fresh = Hold { holder, variant_id, quantity, expires_at: until, extensions: 0 };
            let hold = before.map_or(fresh, |before| Hold { quantity, ..before });
            self.holds.put((holder.id(), variant_id), hold);
        } else {
            self.holds.remove((holder.id(), variant_id));
        }
        Ok(())
    }

    /// Gives a promise more time, at most `extensions_max` times. False when that is used up or
    /// there is no promise.
    pub fn extend(
        &mut self,
        holder: Holder,
        variant: VariantId,
        until: Timestamp,
        extensions_max: i64,
    ) -> bool {
        match self.holds.get_mut((holder.id(), variant)) {
            Some(hold)
                if hold.extensions < extensions_max || planted::is(Bug::HoldWithoutLimit) =>
            {
                hold.extensions += 1;
                hold.expires_at = hold.expires_at.max(until);
                true
            }
            _ => false,
        }
    }

    /// Sells `quantity` units to `order`: they leave `on_hand`. Refuses, and changes nothing,
    /// when that many are not available; end the order's own promise first.
    pub fn sell(
        &mut self,
        env: &Env,
        order: OrderId,
        variant_id: VariantId,
        quantity: i64,
    ) -> Result<(), Short> {
        let available = self.available(variant_id);
        let stock = self.stock.get_mut(variant_id).filter(|_| quantity <= available);
        let Some(stock) = stock else {
            return Err(Short { variant_id, wanted: quantity, available });
        };
        stock.on_hand -= quantity;
        if !planted::is(Bug::SoldNotRaised) {
            stock.sold += quantity;
        }
        self.note(env, variant_id, -quantity, Cause::Sold, Some(order), (None, None));
        Ok(())
    }

    /// Takes `quantity` sold units back from `order` onto the shelf.
    pub fn take_back(&mut self, env: &Env, order: OrderId, variant: VariantId, quantity: i64) {
        if let Some(stock) = self.stock.get_mut(variant) {
            stock.on_hand += quantity;
            stock.sold -= quantity;
            self.note(env, variant, quantity, Cause::Returned, Some(order), (None, None));
        }
    }

    /// Adds or removes units for a reason a person gives. Refuses, and changes nothing, when
    /// more would be removed than is available.
    pub fn adjust(
        &mut self,
        env: &Env,
        variant_id: VariantId,
        delta: i64,
        (actor, reason): (AccountId, &str),
    ) -> Result<Stock, Short> {
        let available = self.available(variant_id);
        let fits =
            |stock: &&mut Stock| delta >= -available && stock.on_hand.checked_add(delta).is_some();
        let Some(stock) = self.stock.get_mut(variant_id).filter(fits) else {
            return Err(Short { variant_id, wanted: delta.saturating_neg(), available });
        };
        stock.on_hand += delta;
        let after = *stock;
        let who = (Some(actor), Some(reason.to_owned()));
        self.note(env, variant_id, delta, Cause::Adjusted, None, who);
        Ok(after)
    }

    /// Whether the variant is counted here.
    pub fn knows(&self, variant: VariantId) -> bool {
        self.stock.get(variant).is_some()
    }

    /// Writes the difference.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.update_many(&sql::STOCK_SET, &self.stock.changed(), |(id, stock)| {
            [id.value(), stock.on_hand.value(), stock.held.value(), stock.sold.value()]
        })?;
        // A changed hold is taken away and put back: there are few, and one verb less.
        let changed = self.holds.changed();
        let mut gone = self.holds.removed();
        gone.extend(changed.iter().map(|(key, _)| *key));
        tx.delete_many(&sql::HOLDS_REMOVE, &gone, |(owner, variant)| {
            [owner.value(), variant.value()]
        })?;
        let mut fresh = self.holds.added();
        fresh.extend(changed);
        tx.insert_many(&sql::HOLDS_ADD, &fresh, |((owner, variant), hold)| {
            [
                owner.value(),
                variant.value(),
                store::Value::Text(hold.holder.kind()),
                hold.quantity.value(),
                hold.expires_at.value(),
                hold.extensions.value(),
            ]
        })?;
        add_movements(tx, &self.movements)
    }

    fn note(
        &mut self,
        env: &Env,
        variant_id: VariantId,
        delta: i64,
        cause: Cause,
        order_id: Option<OrderId>,
        (actor, reason): (Option<AccountId>, Option<String>),
    ) {
        if delta == 0 {
            return;
        }
        self.movements.push(Movement {
            variant_id,
            id: env.id(),
            delta,
            cause: cause.as_str().into(),
            order_id,
            reason,
            actor,
            created_at: env.now(),
        });
    }
}

#[cfg(test)]
impl Shelf {
    /// A shelf that no database knows of.
    pub(crate) fn with(stock: Stock) -> Self {
        let mut shelf = Self::default();
        shelf.stock.load([(stock.variant_id, stock)]);
        shelf
    }

    pub(crate) fn stock(&self, variant: VariantId) -> Option<&Stock> {
        self.stock.get(variant)
    }
}

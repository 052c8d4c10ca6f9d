//! What a batch works on: loaded, decided on, written.

use std::collections::HashMap;

use carts::Baskets;
use catalog::Offer;
use inventory::Shelf;
use kernel::{CartId, Env, Fault, OrderId, Timestamp, VariantId};
use orders::{Book, Order};
use payments::Till;
use store::Tx;

use super::command::Command;
use super::keys::Keys;
use super::{Context, Outcome};
use crate::shop::Settings;

/// The running state. One `now` for the whole batch.
pub(super) struct State<'c> {
    pub env: &'c Env,
    pub settings: &'c Settings,
    pub now: Timestamp,
    pub baskets: Baskets,
    pub book: Book,
    pub till: Till,
    pub shelf: Shelf,
    pub offers: HashMap<VariantId, Offer>,
    /// Orders made from the cart versions that quotes of this batch name, where the cart has
    /// moved on.
    pub made_from: HashMap<(CartId, i64), Order>,
    pub keys: Keys,
}

impl<'c> State<'c> {
    /// Runs a batch in a transaction; an outcome for each command, in order.
    pub(super) fn run(
        context: &'c Context,
        tx: &mut Tx<'_>,
        commands: &[Command],
    ) -> Result<Vec<Outcome>, Fault> {
        let mut state = State {
            env: &context.env,
            settings: &context.settings,
            now: context.env.now(),
            baskets: Baskets::default(),
            book: Book::default(),
            till: Till::default(),
            shelf: Shelf::default(),
            offers: HashMap::new(),
            made_from: HashMap::new(),
            keys: Keys::default(),
        };
        state.load(tx, commands)?;
        kernel::crash_point!("lane.loaded");
        let outcomes = commands.iter().map(|command| state.decide(command)).collect();
        kernel::crash_point!("lane.decided");
        state.write(tx)?;
        Ok(outcomes)
    }

    /// Locks are taken carts first, then orders, payments, stock, each in ascending id. What does
    /// not depend on an answer is asked for without waiting: a batch that only places orders
    /// loads all it needs in one round trip.
    fn load(&mut self, tx: &mut Tx<'_>, commands: &[Command]) -> Result<(), Fault> {
        let carts: Vec<CartId> = commands.iter().flat_map(Command::carts).flatten().collect();
        let there: Vec<OrderId> = commands.iter().filter_map(Command::order).collect();
        let placed = commands.iter().filter_map(|command| match command {
            Command::Place(place) => Some(place.quote.id),
            _ => None,
        });
        self.baskets.load(tx, carts.iter().copied())?;
        let orders = self.book.ask(tx, there.iter().copied())?;
        self.book.load_lines(tx, there.iter().copied())?;
        self.till.load(tx, there.iter().copied())?;
        let owners = carts.iter().map(|id| id.0).chain(there.iter().map(|id| id.0));
        self.shelf.load_holds(tx, owners)?;
        let variants = self.variants(commands, &carts);
        let stock = self.shelf.ask_stock(tx, variants.iter().copied())?;
        let offers = catalog::offers(tx, self.priced(commands, &carts))?;
        // Behind every lock: a twin of a command on another node either waits for us, or has been
        // answered, and what answers it is found here. So are the keys below.
        let placed = self.book.look(tx, placed.filter(|id| !there.contains(id)))?;
        self.book.take(orders.answer(tx)?);
        self.book.take(placed.answer(tx)?);
        self.shelf.take_stock(stock.answer(tx)?);
        self.offers =
            offers.answer(tx)?.into_iter().map(|offer| (offer.variant_id, offer)).collect();
        self.load_made_from(tx, commands)?;
        self.keys.load(tx, commands)?;
        kernel::crash_point!("lane.keys-looked-up");
        Ok(())
    }

    fn variants(&self, commands: &[Command], carts: &[CartId]) -> Vec<VariantId> {
        let mut variants = self.priced(commands, carts);
        variants.extend(self.book.variants());
        variants.extend(commands.iter().filter_map(|command| match command {
            Command::Adjust { variant, .. } | Command::EndHold { variant, .. } => Some(*variant),
            _ => None,
        }));
        variants
    }

    /// Variants whose offer is looked at.
    fn priced(&self, commands: &[Command], carts: &[CartId]) -> Vec<VariantId> {
        let mut variants = Vec::with_capacity(commands.len());
        for command in commands {
            match command {
                Command::SetLine { variant, .. } => variants.push(*variant),
                Command::Place(place) => {
                    variants.extend(place.quote.lines.iter().map(|line| line.variant_id));
                }
                _ => {}
            }
        }
        for cart in carts {
            variants.extend(self.baskets.lines(*cart).iter().map(|line| line.variant_id));
        }
        variants
    }

    fn load_made_from(&mut self, tx: &mut Tx<'_>, commands: &[Command]) -> Result<(), Fault> {
        for command in commands {
            let Command::Place(place) = command else { continue };
            let Some((cart, version)) = place.quote.cart else { continue };
            let moved_on = self.baskets.cart(cart).is_none_or(|cart| cart.version != version);
            if moved_on && let Some(order) = orders::of_cart_version(tx, cart, version)? {
                self.made_from.insert((cart, version), order);
            }
        }
        Ok(())
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        self.baskets.write(tx)?;
        kernel::crash_point!("lane.carts-written");
        self.book.write(tx)?;
        kernel::crash_point!("lane.orders-written");
        self.till.write(tx)?;
        kernel::crash_point!("lane.payments-written");
        self.shelf.write(tx)?;
        kernel::crash_point!("lane.stock-written");
        self.keys.write(tx, self.now)?;
        kernel::crash_point!("lane.keys-written");
        Ok(())
    }
}

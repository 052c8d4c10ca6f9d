//! Units, and whom they are promised to.

use super::{Answer, Buyer, Done, Model, No, Number, Short, Units, Variant};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Holder {
    Cart(Buyer),
    Order(Number),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub units: i64,
    pub until: i64,
    extensions: i64,
}

impl Model {
    pub(super) fn units(&self, variant: Variant) -> Units {
        let held = self.holds.iter().filter(|((_, of), _)| *of == variant);
        let held = held.map(|(_, hold)| hold.units).sum();
        Units { on_hand: self.on_hand[variant], held, sold: self.sold[variant] }
    }

    fn free(&self, variant: Variant) -> i64 {
        let units = self.units(variant);
        units.on_hand - units.held
    }

    /// What nobody else has been promised.
    pub(super) fn within_reach(&self, holder: Holder, variant: Variant) -> i64 {
        self.free(variant) + self.holds.get(&(holder, variant)).map_or(0, |hold| hold.units)
    }

    /// Everything that is wanted beyond reach.
    pub(super) fn short(
        &self,
        holder: Holder,
        wanted: impl Iterator<Item = (Variant, i64)>,
    ) -> Vec<Short> {
        let look = |(variant, units)| (variant, units, self.within_reach(holder, variant));
        wanted.map(look).filter(|(_, wanted, there)| wanted > there).collect()
    }

    /// Promises so many units, all in all, if they are within reach. A promise keeps its end.
    pub(super) fn promise(
        &mut self,
        holder: Holder,
        variant: Variant,
        units: i64,
    ) -> Result<(), No> {
        let short = self.short(holder, [(variant, units)].into_iter());
        if !short.is_empty() {
            return Err(No::OutOfStock(short));
        }
        if units == 0 {
            self.holds.remove(&(holder, variant));
            return Ok(());
        }
        let until = self.now + self.rules.hold.as_secs();
        let fresh = Hold { units, until, extensions: 0 };
        self.holds.entry((holder, variant)).or_insert(fresh).units = units;
        Ok(())
    }

    /// More time for a promise, while it may have more.
    pub(super) fn more_time(&mut self, buyer: Buyer, variant: Variant) -> bool {
        let until = self.now + self.rules.hold.as_secs();
        let hold = self.holds.get_mut(&(Holder::Cart(buyer), variant));
        let may = hold.filter(|hold| hold.extensions < self.rules.hold_extensions_max);
        may.map(|hold| {
            hold.extensions += 1;
            hold.until = hold.until.max(until);
        })
        .is_some()
    }

    pub(super) fn held_until(&self, buyer: Buyer, variant: Variant) -> Option<i64> {
        self.holds.get(&(Holder::Cart(buyer), variant)).map(|hold| hold.until)
    }

    /// A buyer who is there gets more time for what is more than half over.
    pub(super) fn is_there(&mut self, buyer: Buyer) {
        let half = self.now + self.rules.hold.as_secs() / 2;
        for variant in 0..self.prices.len() {
            if self.held_until(buyer, variant).is_some_and(|until| until < half) {
                self.more_time(buyer, variant);
            }
        }
    }

    pub(super) fn sell(&mut self, number: Number, sign: i64) {
        self.holds.retain(|(holder, _), _| *holder != Holder::Order(number));
        for (&variant, (units, _)) in &self.quotes[number].lines {
            let back = self.restocked.get(&(number, variant)).copied().unwrap_or(0);
            self.on_hand[variant] -= (units - back) * sign;
            self.sold[variant] += (units - back) * sign;
        }
    }

    /// Everything that an order still has comes back.
    pub(super) fn take_all_back(&mut self, number: Number) {
        self.sell(number, -1);
        let lines = self.quotes[number].lines.iter();
        self.restocked.extend(lines.map(|(variant, (units, _))| ((number, *variant), *units)));
    }

    /// So many units come back, if as many are still out.
    pub(super) fn take_back(&mut self, number: Number, variant: Variant, units: i64) {
        let all = self.quotes[number].lines[&variant].0;
        let back = self.restocked.entry((number, variant)).or_insert(0);
        let units = units.min(all - *back);
        *back += units;
        self.on_hand[variant] += units;
        self.sold[variant] -= units;
    }

    pub(super) fn adjust(&mut self, variant: Variant, delta: i64) -> Answer {
        if self.free(variant) + delta < 0 {
            return Err(No::OutOfStock(vec![(variant, -delta, self.free(variant))]));
        }
        self.on_hand[variant] += delta;
        Ok(Done::Counted(self.units(variant)))
    }
}

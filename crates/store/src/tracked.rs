//! Rows that a batch has read, and what has become of them since.

use std::collections::BTreeMap;

/// Rows by key, with what they were when they were loaded. A pure decision changes them in
/// memory; afterwards the difference is written in a few set statements.
#[derive(Clone, Debug)]
pub struct Tracked<K, V> {
    rows: BTreeMap<K, Slot<V>>,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    before: Option<V>,
    now: Option<V>,
}

impl<K, V> Default for Tracked<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<K: Ord + Copy, V: Clone + PartialEq> Tracked<K, V> {
    /// Takes rows as they are in the database.
    pub fn load(&mut self, rows: impl IntoIterator<Item = (K, V)>) {
        for (key, row) in rows {
            self.rows.insert(key, Slot { before: Some(row.clone()), now: Some(row) });
        }
    }

    /// The row as it is now.
    pub fn get(&self, key: K) -> Option<&V> {
        self.rows.get(&key)?.now.as_ref()
    }

    /// The row as it is now, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.rows.get_mut(&key)?.now.as_mut()
    }

    /// Adds or replaces a row.
    pub fn put(&mut self, key: K, row: V) {
        self.rows.entry(key).or_insert(Slot { before: None, now: None }).now = Some(row);
    }

    /// Takes a row away; gives what it was.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.rows.get_mut(&key)?.now.take()
    }

    /// The rows as they are now whose keys lie in `range`, in ascending order.
    pub fn range(&self, range: std::ops::RangeInclusive<K>) -> impl Iterator<Item = (K, &V)> {
        self.rows.range(range).filter_map(|(key, slot)| Some((*key, slot.now.as_ref()?)))
    }

    /// Rows that were not there before.
    pub fn added(&self) -> Vec<(K, &V)> {
        self.pick(|slot| slot.before.is_none())
    }

    /// Rows that were there and are different now.
    pub fn changed(&self) -> Vec<(K, &V)> {
        self.pick(|slot| slot.before.is_some() && slot.before != slot.now)
    }

    /// Keys that were there and are gone.
    pub fn removed(&self) -> Vec<K> {
        let gone = |(key, slot): (&K, &Slot<V>)| {
            (slot.before.is_some() && slot.now.is_none()).then_some(*key)
        };
        self.rows.iter().filter_map(gone).collect()
    }

    fn pick(&self, which: impl Fn(&Slot<V>) -> bool) -> Vec<(K, &V)> {
        self.rows
            .iter()
            .filter(|(_, slot)| which(slot))
            .filter_map(|(key, slot)| Some((*key, slot.now.as_ref()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_became_of_each_row() {
        let mut rows = Tracked::default();
        rows.load([(1, "a"), (2, "b"), (3, "c")]);
        rows.put(2, "B");
        rows.remove(3);
        rows.put(4, "d");
        rows.put(5, "e");
        rows.remove(5);
        assert_eq!(rows.added(), [(4, &"d")]);
        assert_eq!(rows.changed(), [(2, &"B")]);
        assert_eq!(rows.removed(), [3]);
        assert_eq!(rows.range(2..=4).map(|(key, _)| key).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_row_taken_away_and_put_back_has_not_changed() {
        let mut rows = Tracked::default();
        rows.load([(1, "a")]);
        rows.remove(1);
        rows.put(1, "a");
        assert!(rows.added().is_empty() && rows.changed().is_empty() && rows.removed().is_empty());
    }
}

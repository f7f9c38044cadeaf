//! The hash table behind connection tracking and address translation.
//!
//! Open addressing with linear probing on a power-of-two number of slots. Removing an entry moves its followers back
//! (no tombstones), so a look-up never costs more than the present load asks for. The key is a flow packed into a
//! `u128`; zero marks a free slot, so whoever packs a key must see to it that a bit is always set. With values of
//! 16 bytes an entry takes 32, two to a cache line.
//!
//! # Invariants
//!
//! - An empty table that has never held an entry owns no memory: most tables of a design stay idle.
//! - The hash has a fixed seed: the same calls leave the same slots behind in every run.
//! - Between an entry's home slot and the slot where it lies there is no free slot.
//! - At most three quarters of the slots are taken, so every probe ends.
//! - There is no iterator. The order of the slots depends on the history of the table and is shown to nothing but
//!   the predicate of a sweep; [`FlowTable::sorted_keys`] is the one way to list the content.

use std::fmt;

const SLOTS_MIN: usize = 4;

#[derive(Clone, Copy)]
struct Entry<V> {
    /// Zero when the slot is free; `value` is then a leftover.
    key: u128,
    value: V,
}

/// A map from packed flow keys, which are never zero, to small values.
#[derive(Clone)]
pub struct FlowTable<V> {
    entries: Box<[Entry<V>]>,
    len: u32,
    /// Where the next incremental sweep goes on.
    sweep_slot: u32,
}

impl<V: Copy> FlowTable<V> {
    /// An empty table, which allocates nothing.
    pub fn new() -> Self {
        Self {
            entries: Box::default(),
            len: 0,
            sweep_slot: 0,
        }
    }

    /// How many entries the table holds.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the table holds no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many slots are allocated: the budget with which [`FlowTable::expire_some`] gets around once.
    pub fn slot_count(&self) -> usize {
        self.entries.len()
    }

    /// The value of a key.
    #[inline]
    pub fn find(&self, key: u128) -> Option<&V> {
        let slot = self.slot_of(key)?;
        Some(&self.entries[slot].value)
    }

    /// The value of a key, to be changed in place.
    #[inline]
    pub fn find_mut(&mut self, key: u128) -> Option<&mut V> {
        let slot = self.slot_of(key)?;
        Some(&mut self.entries[slot].value)
    }

    /// Sets the value of a key and gives back the one it replaces; the key zero is not a flow and is never stored.
    pub fn insert(&mut self, key: u128, value: V) -> Option<V> {
        if key == 0 {
            return None;
        }
        if let Some(present) = self.find_mut(key) {
            return Some(std::mem::replace(present, value));
        }
        if (self.len() + 1) * 4 > self.entries.len() * 3 {
            self.grow(value);
        }
        self.fill_free_slot(Entry { key, value });
        self.len += 1;
        None
    }

    /// Takes a key out of the table and gives back its value.
    pub fn remove(&mut self, key: u128) -> Option<V> {
        let slot = self.slot_of(key)?;
        let value = self.entries[slot].value;
        self.vacate(slot);
        Some(value)
    }

    /// Forgets every entry and releases the memory.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Removes every entry that `is_dead` condemns, asking exactly once for each, and says how many those were.
    ///
    /// The order of the questions means nothing: the answer must depend on the entry alone.
    pub fn expire(&mut self, mut is_dead: impl FnMut(u128, &V) -> bool) -> usize {
        if self.is_empty() {
            return 0;
        }
        // Starting behind a free slot, no removal can move an entry across the start, past the sweep.
        let Some(start) = self.entries.iter().position(|entry| entry.key == 0) else {
            return 0;
        };
        let len_before = self.len();
        let mask = self.mask();
        let mut slot = (start + 1) & mask;
        while slot != start {
            if !self.vacate_if_dead(slot, &mut is_dead) {
                slot = (slot + 1) & mask;
            }
        }
        len_before - self.len()
    }

    /// Goes on where the last call stopped, looks at no more than `budget` slots and at none twice around, removes
    /// the entries that `is_dead` condemns, and says how many those were.
    ///
    /// A slot whose entry is removed is looked at again, since another entry may have moved in. Removals between two
    /// calls can move an entry from before the sweep to behind it; it is then met in the next round, so whoever finds
    /// an entry must judge its age anew.
    pub fn expire_some(&mut self, budget: usize, mut is_dead: impl FnMut(u128, &V) -> bool) -> usize {
        let len_before = self.len();
        let mut slots_ahead = self.entries.len();
        for _ in 0..budget {
            if slots_ahead == 0 || self.is_empty() {
                break;
            }
            let slot = self.sweep_slot as usize & self.mask();
            if !self.vacate_if_dead(slot, &mut is_dead) {
                self.sweep_slot = ((slot + 1) & self.mask()) as u32;
                slots_ahead -= 1;
            }
        }
        len_before - self.len()
    }

    /// All keys in ascending order, for printing and for tests.
    pub fn sorted_keys(&self) -> Vec<u128> {
        let mut keys: Vec<u128> = self
            .entries
            .iter()
            .map(|entry| entry.key)
            .filter(|&key| key != 0)
            .collect();
        keys.sort_unstable();
        keys
    }

    /// One less than the number of slots; only for tables that have slots.
    #[inline]
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    #[inline]
    fn home_slot(&self, key: u128) -> usize {
        hash(key) as usize & self.mask()
    }

    #[inline]
    fn slot_of(&self, key: u128) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        let mut slot = self.home_slot(key);
        loop {
            let found = self.entries[slot].key;
            // Asked first, so that the key zero is not found in a free slot.
            if found == 0 {
                return None;
            }
            if found == key {
                return Some(slot);
            }
            slot = (slot + 1) & self.mask();
        }
    }

    /// Writes an entry whose key is not in the table; there must be a free slot.
    fn fill_free_slot(&mut self, entry: Entry<V>) {
        let mut slot = self.home_slot(entry.key);
        while self.entries[slot].key != 0 {
            slot = (slot + 1) & self.mask();
        }
        self.entries[slot] = entry;
    }

    /// Doubles the slots; `filler` is what free ones hold, as there is no value to be had from nowhere.
    fn grow(&mut self, filler: V) {
        let slot_count = (self.entries.len() * 2).max(SLOTS_MIN);
        let free = vec![
            Entry {
                key: 0,
                value: filler
            };
            slot_count
        ]
        .into_boxed_slice();
        let old = std::mem::replace(&mut self.entries, free);
        self.sweep_slot = 0;
        for entry in old.iter().filter(|entry| entry.key != 0) {
            self.fill_free_slot(*entry);
        }
    }

    /// Removes the entry in a slot if there is one and it is condemned; says whether it was.
    fn vacate_if_dead(&mut self, slot: usize, is_dead: &mut impl FnMut(u128, &V) -> bool) -> bool {
        let entry = &self.entries[slot];
        let dead = entry.key != 0 && is_dead(entry.key, &entry.value);
        if dead {
            self.vacate(slot);
        }
        dead
    }

    /// Removes the entry in a slot and closes the gap with those of its followers that may lie there.
    fn vacate(&mut self, slot: usize) {
        let mask = self.mask();
        let mut gap = slot;
        let mut follower = (slot + 1) & mask;
        while self.entries[follower].key != 0 {
            let home = self.home_slot(self.entries[follower].key);
            let from_home = follower.wrapping_sub(home) & mask;
            let from_gap = follower.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
                self.entries[gap] = self.entries[follower];
                gap = follower;
            }
            follower = (follower + 1) & mask;
        }
        self.entries[gap].key = 0;
        self.len -= 1;
    }
}

impl<V: Copy> Default for FlowTable<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for FlowTable<V> {
    /// The number of entries only: their order in the slots would look like information.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FlowTable")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// Two folded multiplications: each takes half of the key, so that no value of one half can mask the other.
#[inline]
pub(crate) fn hash(key: u128) -> u64 {
    let low = fold(key as u64 ^ 0x243f_6a88_85a3_08d3, 0x9e37_79b9_7f4a_7c15);
    fold(low ^ (key >> 64) as u64, 0xd6e8_feb8_6659_fd93)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    type Value = [u64; 2];

    /// A xorshift generator, so that failures repeat.
    struct Draw(u64);

    impl Draw {
        fn next(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
        }
    }

    fn assert_consistent(table: &FlowTable<Value>, model: &BTreeMap<u128, Value>) {
        assert_eq!(table.len(), model.len());
        assert!(table.sorted_keys().iter().eq(model.keys()));
        for (&key, value) in model {
            assert_eq!(table.find(key), Some(value), "key {key}");
        }
        assert!(table.len() * 4 <= table.slot_count() * 3);
    }

    /// Keys whose home is one of the last slots of a table of 16, so that clusters wrap around its end.
    fn keys_at_the_end(count: usize) -> Vec<u128> {
        (1_u128..)
            .filter(|&key| hash(key) % 16 >= 13)
            .take(count)
            .collect()
    }

    #[test]
    fn entry_with_a_16_byte_value_takes_32_bytes() {
        assert_eq!(size_of::<Entry<Value>>(), 32);
        assert_eq!(size_of::<FlowTable<Value>>(), 24);
    }

    #[test]
    fn table_owns_no_memory_before_the_first_entry_and_after_clear() {
        let mut table = FlowTable::new();
        assert_eq!((table.slot_count(), table.remove(7)), (0, None));
        assert_eq!(table.expire(|_, _| true) + table.expire_some(10, |_, _| true), 0);
        table.insert(7, [1, 2]);
        assert_eq!((table.slot_count(), table.len()), (SLOTS_MIN, 1));
        table.clear();
        assert_eq!(
            (table.slot_count(), table.is_empty(), table.find(7)),
            (0, true, None)
        );
    }

    #[test]
    fn zero_key_is_neither_stored_nor_found() {
        let mut table = FlowTable::new();
        assert_eq!(table.insert(0, [9, 9]), None);
        table.insert(1, [1, 1]);
        assert_eq!(table.find(0), None);
        assert_eq!(table.find_mut(0), None);
        assert_eq!(table.remove(0), None);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn replacing_a_value_gives_back_the_old_one_and_never_grows_the_table() {
        let mut table = FlowTable::new();
        for key in 1..=3 {
            table.insert(key, [0, 0]);
        }
        assert_eq!(table.insert(2, [5, 5]), Some([0, 0]));
        assert_eq!(
            (table.find(2), table.len(), table.slot_count()),
            (Some(&[5, 5]), 3, 4)
        );
    }

    #[test]
    fn table_agrees_with_a_map_under_random_calls() {
        // Few distinct keys give dense clusters and many hits, many keep the table growing.
        for (seed, distinct) in [(1, 8), (2, 40), (3, 700), (4, 50_000)] {
            let mut draw = Draw(seed);
            let mut table = FlowTable::new();
            let mut model = BTreeMap::new();
            for step in 0..60_000_u64 {
                let key = u128::from(draw.next(distinct) + 1) << (32 * (seed % 3));
                match draw.next(8) {
                    0..4 => {
                        assert_eq!(table.insert(key, [step, seed]), model.insert(key, [step, seed]));
                    }
                    4..6 => assert_eq!(table.remove(key), model.remove(&key)),
                    6 => assert_eq!(table.find(key), model.get(&key)),
                    _ => {
                        if let Some(value) = table.find_mut(key) {
                            value[1] += 1;
                        }
                        model.entry(key).and_modify(|value| value[1] += 1);
                    }
                }
                if step % 4096 == 0 {
                    assert_consistent(&table, &model);
                }
            }
            assert_consistent(&table, &model);
        }
    }

    #[test]
    fn expire_asks_once_for_each_entry_and_removes_just_the_dead() {
        let mut draw = Draw(5);
        for round in 0..400 {
            let keys = keys_at_the_end(1 + round % 12);
            let mut table = FlowTable::new();
            let mut model = BTreeMap::new();
            for _ in 0..24 {
                let key = keys[draw.next(keys.len() as u64) as usize];
                let value = [draw.next(3), 0];
                table.insert(key, value);
                model.insert(key, value);
            }
            let dead_value = draw.next(4);
            let mut asked = Vec::new();
            let expired = table.expire(|key, value| {
                asked.push(key);
                value[0] == dead_value
            });
            asked.sort_unstable();
            assert!(asked.iter().eq(model.keys()));
            let len_before = model.len();
            model.retain(|_, value| value[0] != dead_value);
            assert_eq!(expired, len_before - model.len());
            assert_consistent(&table, &model);
        }
    }

    #[test]
    fn expire_some_stays_in_its_budget_and_gets_around_the_table() {
        for budget in [1, 3, 7, 16, 1000] {
            let mut table = FlowTable::new();
            for key in keys_at_the_end(11) {
                table.insert(key, [(key % 2) as u64, 0]);
            }
            let mut asked = BTreeSet::new();
            let mut expired = 0;
            let calls = (table.slot_count() + 11).div_ceil(budget);
            for _ in 0..calls {
                let mut questions = 0;
                expired += table.expire_some(budget, |key, value| {
                    questions += 1;
                    asked.insert(key);
                    value[0] == 1
                });
                assert!(questions <= budget);
            }
            let odd = keys_at_the_end(11).iter().filter(|&key| key % 2 == 1).count();
            assert_eq!((expired, asked.len()), (odd, 11), "budget {budget}");
            assert!(table.sorted_keys().iter().all(|key| key % 2 == 0));
        }
    }

    #[test]
    fn sweeps_mixed_with_other_calls_agree_with_a_map() {
        let mut draw = Draw(11);
        let mut table = FlowTable::new();
        let mut model = BTreeMap::new();
        for now in 0..50_000_u64 {
            let key = u128::from(draw.next(300) + 1) << 40;
            assert_eq!(table.insert(key, [now, 0]), model.insert(key, [now, 0]));
            let victim = u128::from(draw.next(300) + 1) << 40;
            assert_eq!(table.remove(victim), model.remove(&victim));
            let mut removed = Vec::new();
            let expired = table.expire_some(5, |key, value| {
                let dead = now - value[0] > 200;
                removed.extend(dead.then_some(key));
                dead
            });
            assert_eq!(expired, removed.len());
            for key in removed {
                assert!(model.remove(&key).is_some_and(|value| now - value[0] > 200));
            }
            assert_eq!(table.len(), model.len());
        }
        assert_consistent(&table, &model);
    }

    #[test]
    fn flows_that_differ_in_one_field_only_stay_near_their_home() {
        for field_shift in [1, 8, 16, 32, 48, 64, 80, 96, 112] {
            let mut table = FlowTable::new();
            for number in 0..12_000_u128 {
                table.insert(((number << field_shift) | 1) ^ (0x0a00_0105 << 72), [0, 0]);
            }
            let mask = table.mask();
            let taken = table
                .entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.key != 0);
            let distance: usize = taken
                .map(|(slot, entry)| slot.wrapping_sub(table.home_slot(entry.key)) & mask)
                .sum();
            // At load 3/4 linear probing with perfect hashing lies 1.5 slots from home on average.
            assert!(
                distance < table.len() * 2,
                "shift {field_shift}: {distance} for {}",
                table.len()
            );
        }
    }

    #[test]
    fn debug_output_does_not_show_the_order_of_slots() {
        let mut table = FlowTable::new();
        table.insert(3, [4, 5]);
        assert_eq!(format!("{table:?}"), "FlowTable { len: 1, .. }");
    }
}

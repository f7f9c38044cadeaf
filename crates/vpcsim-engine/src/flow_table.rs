//! The hash table behind connection tracking, address translation and the flow cache.
//!
//! The entries lie one behind the other in the order in which they came; beside them is an index of a power of two of
//! slots with linear probing, four bytes each: where the entry lies, and in the bits that are left a part of its hash. So a
//! look-up meets an entry only if that part is equal, flows that began together lie together, and growing moves slots of four
//! bytes instead of entries. Removing an entry moves the last one to its place, and followers in the index back (no
//! tombstones), so a look-up never costs more than the present load asks for. With values of 16 bytes an entry takes 32, two to
//! a cache line. What this gave is in `benches/README.md`.
//!
//! # Invariants
//!
//! - An empty table that has never held an entry owns no memory: most tables of a design stay idle.
//! - The hash has a fixed seed: the same calls leave the same table behind in every run.
//! - Between the home slot of an entry and the slot that leads to it there is no free slot.
//! - At most half of the slots are taken, so every probe ends.
//! - There is no iterator. The order of the entries depends on the history of the table and is shown to nothing but
//!   the predicate of a sweep; [`FlowTable::sorted_keys`] is the one way to list the content.

use std::fmt;

use vpcsim_wire::{FlowHash, FlowKey};

use crate::later::Hint;

const SLOTS_MIN: usize = 4;
/// A slot that leads nowhere.
const FREE: u32 = 0;

/// A key of a [`FlowTable`] with its hash.
///
/// A key is a flow packed into a `u128`, or something else of that size; it is never zero, which is no key of any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableKey {
    key: u128,
    /// Without the spare bits: what becomes of both is worked out when a slot is looked for.
    flow: FlowHash,
}

impl TableKey {
    /// The key of a flow with other spare bits, for whoever knows the hash of the flow.
    #[inline]
    pub fn of_flow(flow: FlowKey, hash: FlowHash, spare: u32) -> Self {
        debug_assert_eq!(hash, FlowHash::of(flow), "the hash belongs to the flow");
        Self {
            key: flow.with_spare(spare).0,
            flow: hash,
        }
    }

    /// The hash alone.
    #[inline]
    pub(crate) const fn hash(self) -> u32 {
        self.flow.with_spare(FlowKey(self.key).spare())
    }
}

impl From<u128> for TableKey {
    #[inline]
    fn from(key: u128) -> Self {
        Self {
            key,
            flow: FlowHash::of(FlowKey(key)),
        }
    }
}

#[derive(Clone, Copy)]
struct Entry<V> {
    key: u128,
    value: V,
}

/// A map from packed flow keys, which are never zero, to small values.
#[derive(Clone)]
pub struct FlowTable<V> {
    /// For each slot [`FREE`], or one more than the place of an entry below the bits of its hash that do not choose the slot.
    index: Box<[u32]>,
    entries: Vec<Entry<V>>,
    /// Where the next incremental sweep goes on.
    sweep_at: u32,
}

/// What a probe found: the slot and the place of an entry, or the free slot where it would have to be.
enum Probe {
    Found { slot: usize, at: usize },
    Free { slot: usize },
}

impl<V: Copy> FlowTable<V> {
    /// An empty table, which allocates nothing.
    pub fn new() -> Self {
        Self {
            index: Box::default(),
            entries: Vec::new(),
            sweep_at: 0,
        }
    }

    /// How many entries the table holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table holds no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many slots are allocated.
    pub fn slot_count(&self) -> usize {
        self.index.len()
    }

    /// The value of a key.
    #[inline]
    pub fn find(&self, key: impl Into<TableKey>) -> Option<&V> {
        let at = self.place_of(key.into())?;
        Some(&self.entries[at].value)
    }

    /// The value of a key, to be changed in place.
    #[inline]
    pub fn find_mut(&mut self, key: impl Into<TableKey>) -> Option<&mut V> {
        let at = self.place_of(key.into())?;
        Some(&mut self.entries[at].value)
    }

    /// The value of a key, to be changed in place, which most likely lies where `hint` says; the hint is then right for the next time.
    #[inline]
    pub fn find_near(&mut self, key: impl Into<TableKey>, hint: &mut Hint) -> Option<&mut V> {
        let key = key.into();
        if !self.is_at(key, hint.0) {
            hint.0 = self.place_of(key)? as u32;
        }
        self.at_mut(hint.0 as usize)
    }

    /// Whether a key lies at a place.
    #[inline]
    pub(crate) fn is_at(&self, key: TableKey, at: u32) -> bool {
        self.entries
            .get(at as usize)
            .is_some_and(|entry| entry.key == key.key)
    }

    /// The place of a key, which it keeps until an entry is removed.
    #[inline]
    pub(crate) fn place_of(&self, key: TableKey) -> Option<usize> {
        if self.index.is_empty() {
            return None;
        }
        match self.probe(key) {
            Probe::Found { at, .. } => Some(at),
            Probe::Free { .. } => None,
        }
    }

    /// The value at a place that [`FlowTable::place_of`] gave.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> Option<&V> {
        Some(&self.entries.get(at)?.value)
    }

    /// The value at such a place, to be changed.
    #[inline]
    pub(crate) fn at_mut(&mut self, at: usize) -> Option<&mut V> {
        Some(&mut self.entries.get_mut(at)?.value)
    }

    /// Sets the value of a key and gives back the one it replaces; the key zero is not a flow and is never stored.
    pub fn insert(&mut self, key: impl Into<TableKey>, value: V) -> Option<V> {
        match self.place_for(key.into(), value)? {
            (at, false) => Some(std::mem::replace(&mut self.entries[at].value, value)),
            (_, true) => None,
        }
    }

    /// Sets the value of a key that is not in the table; says whether it was not.
    pub fn insert_new(&mut self, key: impl Into<TableKey>, value: V) -> bool {
        self.place_for(key.into(), value)
            .is_some_and(|(_, is_new)| is_new)
    }

    /// The value of a key, which is `value` if it was not in the table; `None` for the key zero.
    pub fn find_or_insert(&mut self, key: impl Into<TableKey>, value: V) -> Option<&mut V> {
        let (at, _) = self.place_for(key.into(), value)?;
        self.at_mut(at)
    }

    /// The place of a key, which now has this value if it was not in the table, and whether it was not.
    #[inline]
    pub(crate) fn place_for(&mut self, key: TableKey, value: V) -> Option<(usize, bool)> {
        if key.key == 0 {
            return None;
        }
        if self.index.is_empty() {
            self.grow();
        }
        let slot = match self.probe(key) {
            Probe::Found { at, .. } => return Some((at, false)),
            Probe::Free { .. } if (self.len() + 1) * 2 > self.index.len() => {
                self.grow();
                self.slot_with(FREE, key.hash())
            }
            Probe::Free { slot } => slot,
        };
        self.entries.push(Entry { key: key.key, value });
        let at = self.entries.len() - 1;
        self.index[slot] = self.word(key.hash(), at);
        Some((at, true))
    }

    /// Takes a key out of the table and gives back its value.
    pub fn remove(&mut self, key: impl Into<TableKey>) -> Option<V> {
        let key = key.into();
        if self.index.is_empty() {
            return None;
        }
        let Probe::Found { slot, at } = self.probe(key) else {
            return None;
        };
        Some(self.take(slot, at))
    }

    /// Forgets every entry and releases the memory.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Removes every entry that `is_dead` condemns, asking exactly once for each, and says how many those were.
    ///
    /// The order of the questions means nothing: the answer must depend on the entry alone.
    pub fn expire(&mut self, mut is_dead: impl FnMut(u128, &V) -> bool) -> usize {
        let len_before = self.len();
        let mut at = 0;
        while at < self.len() {
            if !self.remove_if_dead(at, &mut is_dead) {
                at += 1;
            }
        }
        len_before - self.len()
    }

    /// Goes on where the last call stopped, looks at no more than `budget` entries, removes
    /// those that `is_dead` condemns, and says how many those were.
    ///
    /// Where an entry is removed the last one moves in and is looked at next. Removals between two calls can move an entry from before
    /// the sweep to behind it; it is then met in the next round, so whoever finds an entry must judge its age anew.
    pub fn expire_some(&mut self, budget: usize, mut is_dead: impl FnMut(u128, &V) -> bool) -> usize {
        let len_before = self.len();
        for _ in 0..budget.min(len_before) {
            let at = self.sweep_at as usize;
            let at = if at < self.len() { at } else { 0 };
            let is_gone = self.remove_if_dead(at, &mut is_dead);
            self.sweep_at = at as u32 + u32::from(!is_gone);
        }
        len_before - self.len()
    }

    /// All keys in ascending order, for printing and for tests.
    pub fn sorted_keys(&self) -> Vec<u128> {
        let mut keys: Vec<u128> = self.entries.iter().map(|entry| entry.key).collect();
        keys.sort_unstable();
        keys
    }

    /// One less than the number of slots; only for tables that have slots.
    #[inline]
    fn mask(&self) -> usize {
        self.index.len() - 1
    }

    /// What leads to an entry with this hash at this place.
    #[inline]
    fn word(&self, hash: u32, at: usize) -> u32 {
        hash & !(self.mask() as u32) | (at as u32 + 1)
    }

    /// Looks for a key; only in tables that have slots.
    #[inline]
    fn probe(&self, key: TableKey) -> Probe {
        let mask = self.mask();
        let hash = key.hash();
        let mut slot = hash as usize & mask;
        loop {
            let word = self.index[slot];
            if word == FREE {
                return Probe::Free { slot };
            }
            let at = (word as usize & mask) - 1;
            // The bits above the place are the hash's; the key zero is never among the entries.
            if (word ^ hash) as usize & !mask == 0 && self.entries[at].key == key.key {
                return Probe::Found { slot, at };
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The first slot from the home of this hash on that holds `word`, which there must be.
    fn slot_with(&self, word: u32, hash: u32) -> usize {
        let mask = self.mask();
        let mut slot = hash as usize & mask;
        while self.index[slot] != word {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The slot that leads to the entry at this place.
    fn slot_to(&self, at: usize) -> usize {
        let hash = TableKey::from(self.entries[at].key).hash();
        self.slot_with(self.word(hash, at), hash)
    }

    /// Doubles the slots.
    #[cold]
    fn grow(&mut self) {
        let slot_count = (self.index.len() * 2).max(SLOTS_MIN);
        self.index = vec![FREE; slot_count].into_boxed_slice();
        for at in 0..self.entries.len() {
            let hash = TableKey::from(self.entries[at].key).hash();
            let slot = self.slot_with(FREE, hash);
            self.index[slot] = self.word(hash, at);
        }
    }

    /// Removes the entry at a place if it is condemned; says whether it was.
    fn remove_if_dead(&mut self, at: usize, is_dead: &mut impl FnMut(u128, &V) -> bool) -> bool {
        let entry = &self.entries[at];
        let is_gone = is_dead(entry.key, &entry.value);
        if is_gone {
            self.take(self.slot_to(at), at);
        }
        is_gone
    }

    /// Takes the entry at a place, to which a slot leads, out of the table.
    fn take(&mut self, slot: usize, at: usize) -> V {
        self.vacate(slot);
        let last = self.len() - 1;
        if at != last {
            let moved = self.slot_to(last);
            self.index[moved] = self.index[moved] & !(self.mask() as u32) | (at as u32 + 1);
        }
        self.entries.swap_remove(at).value
    }

    /// Frees a slot and closes the gap with those of its followers that may lie there.
    fn vacate(&mut self, slot: usize) {
        let mask = self.mask();
        let mut gap = slot;
        let mut follower = (slot + 1) & mask;
        while self.index[follower] != FREE {
            let word = self.index[follower];
            let home = self.home_slot((word as usize & mask) - 1);
            let from_home = follower.wrapping_sub(home) & mask;
            let from_gap = follower.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
                self.index[gap] = word;
                gap = follower;
            }
            follower = (follower + 1) & mask;
        }
        self.index[gap] = FREE;
    }

    fn home_slot(&self, at: usize) -> usize {
        TableKey::from(self.entries[at].key).hash() as usize & self.mask()
    }
}

impl<V: Copy> Default for FlowTable<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for FlowTable<V> {
    /// The number of entries only: their order would look like information.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FlowTable")
            .field("len", &self.entries.len())
            .finish_non_exhaustive()
    }
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
        assert!(table.len() * 2 <= table.slot_count());
        assert!((0..table.len()).all(|at| table.slot_to(at) < table.slot_count()));
    }

    /// Keys whose home is one of the last slots of a table of 32, so that clusters wrap around its end.
    fn keys_at_the_end(count: usize) -> Vec<u128> {
        (1_u128..)
            .filter(|&key| TableKey::from(key).hash() % 32 >= 27)
            .take(count)
            .collect()
    }

    #[test]
    fn entry_with_a_16_byte_value_takes_32_bytes() {
        assert_eq!(size_of::<Entry<Value>>(), 32);
        assert_eq!(size_of::<FlowTable<Value>>(), 48);
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
        for key in 1..=2 {
            table.insert(key, [0, 0]);
        }
        assert_eq!(table.insert(2, [5, 5]), Some([0, 0]));
        assert_eq!(
            (table.find(2), table.len(), table.slot_count()),
            (Some(&[5, 5]), 2, 4)
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
                    0..2 => {
                        assert_eq!(table.insert(key, [step, seed]), model.insert(key, [step, seed]));
                    }
                    2 => {
                        assert_eq!(table.insert_new(key, [step, 0]), !model.contains_key(&key));
                        model.entry(key).or_insert([step, 0]);
                    }
                    3 => {
                        let expected = model.entry(key).or_insert([step, 1]);
                        assert_eq!(table.find_or_insert(key, [step, 1]), Some(expected));
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
            let taken = (0..table.slot_count()).filter(|&slot| table.index[slot] != FREE);
            let from_home = |slot: usize| {
                let at = (table.index[slot] as usize & mask) - 1;
                slot.wrapping_sub(table.home_slot(at)) & mask
            };
            let distance: usize = taken.map(from_home).sum();
            // At a load of 0.37 linear probing with perfect hashing lies 0.3 slots from home on average.
            assert!(
                distance * 2 < table.len(),
                "shift {field_shift}: {distance} for {}",
                table.len()
            );
        }
    }

    #[test]
    fn a_hint_finds_what_is_there_wherever_it_points() {
        let mut draw = Draw(17);
        let mut table = FlowTable::new();
        let mut hints = [Hint::NONE; 40];
        for step in 0..20_000_u64 {
            let number = draw.next(40);
            let key = u128::from(number + 1) << 30;
            match draw.next(4) {
                0 => drop(table.insert(key, [step, 0])),
                1 => drop(table.remove(key)),
                _ => {
                    let expected = table.find(key).copied();
                    let found = table.find_near(key, &mut hints[number as usize]);
                    assert_eq!(found.copied(), expected);
                }
            }
        }
        assert_eq!(table.find_near(0, &mut Hint(0)), None);
    }

    #[test]
    fn debug_output_does_not_show_the_order_of_slots() {
        let mut table = FlowTable::new();
        table.insert(3, [4, 5]);
        assert_eq!(format!("{table:?}"), "FlowTable { len: 1, .. }");
    }
}

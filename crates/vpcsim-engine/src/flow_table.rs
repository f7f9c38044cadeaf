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
    /// Counts only: the content in slot order would look like information.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, slot_count) = (self.len, self.entries.len());
        out.debug_struct("FlowTable")
            .field("len", &len)
            .field("slot_count", &slot_count)
            .finish()
    }
}

/// Two folded multiplications: each takes half of the key, so that no value of one half can mask the other.
#[inline]
fn hash(key: u128) -> u64 {
    let low = fold(key as u64 ^ 0x243f_6a88_85a3_08d3, 0x9e37_79b9_7f4a_7c15);
    fold(low ^ (key >> 64) as u64, 0xd6e8_feb8_6659_fd93)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ (product >> 64) as u64
}

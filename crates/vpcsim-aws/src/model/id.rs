//! Typed ids and the tables they index.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The place of a `T` in its table.
pub struct Id<T> {
    index: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The id of the resource at `index`.
    pub const fn from_index(index: usize) -> Self {
        Self {
            index: index as u32,
            kind: PhantomData,
        }
    }

    /// The place in the table.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

/// All resources of one kind, in the order in which they were declared.
#[derive(Clone, Debug)]
pub struct Table<T> {
    rows: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Adds a resource.
    pub fn push(&mut self, row: T) -> Id<T> {
        self.rows.push(row);
        Id::from_index(self.rows.len() - 1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The resources with their ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Id<T>, &T)> + ExactSizeIterator {
        self.rows
            .iter()
            .enumerate()
            .map(|(index, row)| (Id::from_index(index), row))
    }

    /// The ids alone.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id<T>> + ExactSizeIterator + use<T> {
        (0..self.rows.len()).map(Id::from_index)
    }

    /// Puts the resources into this order, which names each of them once.
    pub(crate) fn reorder(&mut self, order: &[Id<T>]) {
        debug_assert_eq!(order.len(), self.rows.len(), "an order names every resource once");
        let mut rows: Vec<Option<T>> = self.rows.drain(..).map(Some).collect();
        let taken = order.iter().filter_map(|id| rows.get_mut(id.index())?.take());
        self.rows = taken.collect();
    }

    /// The resource `id`, if there is one.
    pub fn find(&self, id: Id<T>) -> Option<&T> {
        self.rows.get(id.index())
    }
}

impl<T> Index<Id<T>> for Table<T> {
    type Output = T;
    fn index(&self, id: Id<T>) -> &T {
        &self.rows[id.index()]
    }
}

impl<T> IndexMut<Id<T>> for Table<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.rows[id.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_to_what_was_pushed() {
        let mut table = Table::default();
        let first = table.push("a");
        let second = table.push("b");
        assert_eq!((table[first], table[second], table.len()), ("a", "b", 2));
        assert_eq!(table.ids().collect::<Vec<_>>(), vec![first, second]);
        assert_eq!(table.find(Id::from_index(2)), None);
    }
}

//! What a node is asked about a packet that would fare as an earlier one of its flow did.

use std::slice::IterMut;

use crate::id::Port;
use crate::packet::Packet;
use crate::time::Time;

/// Where a table had something the last time: a guess, which saves the look-up if it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint(pub(crate) u32);

impl Hint {
    /// No guess.
    pub const NONE: Self = Self(u32::MAX);
}

impl Default for Hint {
    fn default() -> Self {
        Self::NONE
    }
}

/// The guesses of one flow, in the order in which the nodes on its way ask for them.
#[derive(Debug)]
pub(crate) struct Hints<'a> {
    rest: IterMut<'a, Hint>,
    /// For those that are asked for past the end.
    spare: Hint,
}

impl<'a> Hints<'a> {
    pub(crate) fn new(hints: &'a mut [Hint]) -> Self {
        Self {
            rest: hints.iter_mut(),
            spare: Hint::NONE,
        }
    }

    #[inline]
    fn next(&mut self) -> &mut Hint {
        match self.rest.next() {
            Some(hint) => hint,
            None => &mut self.spare,
        }
    }

    /// How many are left.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
}

/// A packet that would fare as an earlier one of its flow did, if the [node proceeds](crate::Node::proceed).
#[derive(Debug)]
pub struct Later<'a, 'hints> {
    /// The present moment.
    pub now: Time,
    /// Where it comes in.
    pub port: Port,
    /// The packet.
    pub packet: &'a Packet,
    /// What the node said of the earlier one.
    pub token: u64,
    pub(crate) hints: &'a mut Hints<'hints>,
}

impl Later<'_, '_> {
    /// Where a table of the node had the flow the last time, for [`FlowTable::find_near`](crate::FlowTable::find_near).
    ///
    /// Each call of a packet's gives another one, so that a node with several tables asks for one for each.
    #[inline]
    pub fn hint(&mut self) -> &mut Hint {
        self.hints.next()
    }
}

//! Timers that were set and not yet fired: slots that are used again, with a generation that tells old ids.

use crate::id::{NodeId, TimerId};

#[derive(Clone, Copy, Debug)]
struct Timer {
    node: NodeId,
    token: u64,
    generation: u32,
    cancelled: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    slots: Vec<Timer>,
    free: Vec<u32>,
}

impl Timers {
    #[inline]
    pub(crate) fn insert(&mut self, node: NodeId, token: u64) -> TimerId {
        if let Some(slot) = self.free.pop() {
            let timer = &mut self.slots[slot as usize];
            *timer = Timer {
                node,
                token,
                generation: timer.generation.wrapping_add(1),
                cancelled: false,
            };
            return TimerId {
                slot,
                generation: timer.generation,
            };
        }
        self.slots.push(Timer {
            node,
            token,
            generation: 0,
            cancelled: false,
        });
        TimerId {
            slot: self.slots.len() as u32 - 1,
            generation: 0,
        }
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        let timer = &mut self.slots[id.slot as usize];
        if timer.generation == id.generation {
            timer.cancelled = true;
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<(NodeId, u64)> {
        self.free.push(slot);
        let timer = &mut self.slots[slot as usize];
        let due = (!timer.cancelled).then_some((timer.node, timer.token));
        timer.cancelled = true;
        due
    }
}

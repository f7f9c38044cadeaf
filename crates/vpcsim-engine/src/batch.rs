//! Batches: what the next packets will need from memory is asked for together, so that the waiting overlaps.
//!
//! With many flows nearly every look-up misses the processor's caches, and one after the other the misses decide the speed. The events
//! that follow in a lane of the [queue](crate::event_queue) are known, so the entries of several packets are read ahead in short loops
//! without a dependence from one packet to the next; then each packet is handled in its turn. It costs a second look-up per packet, which
//! pays only when tables have outgrown the caches: below [`FLOWS_MIN`] it is left out. The figures are in `benches/README.md`.
//!
//! # Invariants
//!
//! - Reading ahead changes nothing: it only reads.

use std::hint::black_box;

use crate::context::Pending;
use crate::flow_cache::{Act, Entry, Known};
use crate::id::Handle;
use crate::network::Network;

/// Packets that are read ahead for at a time.
const BATCH: usize = 16;
/// Entries of the flow cache from which on reading ahead pays.
const FLOWS_MIN: usize = 8_192;

impl Network {
    /// Reads ahead, unless that was done for the next packets already or there are few flows.
    #[inline]
    pub(crate) fn read_ahead(&mut self) {
        if self.read_ahead_count > 0 {
            self.read_ahead_count -= 1;
        } else if self.core.cache.flow_count() >= FLOWS_MIN {
            self.read_ahead_count = self.read_batch();
        }
    }

    /// Reads ahead for a batch; for how many events after the first it is enough.
    fn read_batch(&self) -> usize {
        let core = &self.core;
        let mut batch = [None; BATCH];
        let mut count = 0;
        for pending in core.queue.upcoming(BATCH) {
            if let Pending::Arrival(handle) = pending {
                batch[count] = Some(handle);
            }
            count += 1;
        }
        let known = batch.map(|handle| handle.map(|handle| (handle, self.known(handle))));
        for (handle, known) in known.into_iter().flatten() {
            let Known::Replay(index) = known else { continue };
            let packet = core.slab.packet(handle);
            for act in &core.cache.replay(index).acts {
                if let Act::Proceed { node, .. } = act
                    && let Some(device) = self.nodes.get(*node)
                {
                    device.read_ahead(packet);
                }
            }
        }
        count.saturating_sub(1)
    }

    fn known(&self, handle: Handle) -> Known {
        let packet = self.core.slab.packet(handle);
        let (node, port) = packet.next;
        let (cache, entry) = (&self.core.cache, Entry::of(node, port, packet));
        let on_path = cache.next_on_path(&entry, packet).map(Known::Replay);
        black_box(on_path.unwrap_or_else(|| cache.find(&entry, packet)))
    }
}

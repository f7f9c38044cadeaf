//! Packets that a stack has produced and its node has yet to send, in recycled buffers.

use std::collections::VecDeque;

/// Buffers kept for later packets.
const SPARE_COUNT_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    packets: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// An empty buffer.
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    pub(crate) fn push(&mut self, packet: Vec<u8>) {
        self.packets.push_back(packet);
    }

    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// The packet that was pushed last and is still here.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        self.packets.back().map(Vec::as_slice)
    }

    /// Takes back the buffer of a packet that was sent.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_COUNT_MAX {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

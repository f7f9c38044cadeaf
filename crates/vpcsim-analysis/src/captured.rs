//! What capture points saw: kept in memory until somebody takes it, or handed on frame by frame.
//!
//! A packet that dies where it was just captured is the one case in which a record changes after it was made: whoever gets the frames
//! is told so before the next one comes.

use std::any::Any;

use bytes::{Bytes, BytesMut};

use crate::answer::CaptureRecord;

/// Bytes are copied into chunks of this size, and records point into them.
const CHUNK_LEN: usize = 64 << 10;

/// A frame as a capture point saw it.
#[derive(Clone, Copy, Debug)]
pub struct CapturedFrame<'a> {
    /// The capture point: an index into the capture's interfaces.
    pub point: u32,
    /// Simulated time in nanoseconds.
    pub time_ns: u64,
    /// The packet's identity over all its hops.
    pub packet_id: u64,
    /// Whether it leaves the captured interface; else it comes in.
    pub outbound: bool,
    /// For a packet that died here: the reason and the component.
    pub dropped: Option<&'a str>,
    /// The Ethernet header; empty if the interface's link layer has none.
    pub header: &'a [u8],
    /// The packet behind it.
    pub packet: &'a [u8],
}

/// Somebody who gets the frames of a capture while it grows.
pub trait CaptureSink: Any + Send {
    /// Takes the next frame.
    fn record(&mut self, frame: &CapturedFrame<'_>);

    /// Takes note that the packet of the last frame died where that was captured, and why; false if it is too late for that.
    fn drop_last(&mut self, why: &str) -> bool;
}

/// Where and when a frame was captured, and of which packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) point: u32,
    pub(crate) time_ns: u64,
    pub(crate) packet_id: u64,
}

/// The frames so far.
#[derive(Default)]
pub(crate) struct Captured {
    kept: Vec<CaptureRecord>,
    sink: Option<Box<dyn CaptureSink>>,
    chunks: Chunks,
    count: usize,
    last: Option<Sighting>,
}

impl Captured {
    /// How many there were.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn record(&mut self, frame: &CapturedFrame<'_>) {
        self.count += 1;
        self.last = Some(Sighting {
            point: frame.point,
            time_ns: frame.time_ns,
            packet_id: frame.packet_id,
        });
        match &mut self.sink {
            Some(sink) => sink.record(frame),
            None => self.kept.push(CaptureRecord {
                point: frame.point,
                time_ns: frame.time_ns,
                packet_id: frame.packet_id,
                outbound: frame.outbound,
                dropped: frame.dropped.map(str::to_owned),
                bytes: self.chunks.copy([frame.header, frame.packet]),
            }),
        }
    }

    /// Notes that a packet died where it was seen last; false if that is not what was captured last.
    pub(crate) fn drop_last(&mut self, seen: Sighting, why: &str) -> bool {
        if self.last != Some(seen) {
            return false;
        }
        match (&mut self.sink, self.kept.last_mut()) {
            (Some(sink), _) => sink.drop_last(why),
            (None, Some(record)) => {
                record.dropped = Some(why.to_owned());
                true
            }
            (None, None) => false,
        }
    }

    /// Takes out what is kept.
    pub(crate) fn take(&mut self) -> Vec<CaptureRecord> {
        std::mem::take(&mut self.kept)
    }

    /// Keeps nothing from now on but hands it on.
    pub(crate) fn hand_to(&mut self, sink: Box<dyn CaptureSink>) {
        self.sink = Some(sink);
    }

    pub(crate) fn sink_mut(&mut self) -> Option<&mut dyn CaptureSink> {
        self.sink.as_deref_mut()
    }
}

/// Bytes that share few allocations.
#[derive(Default)]
pub(crate) struct Chunks {
    chunk: BytesMut,
}

impl Chunks {
    /// A copy of the parts, one behind the other.
    pub(crate) fn copy(&mut self, parts: [&[u8]; 2]) -> Bytes {
        let len = parts[0].len() + parts[1].len();
        if self.chunk.capacity() < len {
            self.chunk = BytesMut::with_capacity(CHUNK_LEN.max(len));
        }
        for part in parts {
            self.chunk.extend_from_slice(part);
        }
        self.chunk.split().freeze()
    }
}

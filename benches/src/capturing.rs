//! Capturing at every place where packets can be captured, into a file.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::PathBuf;

use vpcsim_analysis::{Capture, CaptureChoice, Recorder};
use vpcsim_engine::PacketId;
use vpcsim_report::pcapng::Writer;

use crate::chain::Chain;
use crate::load::{Load, LoadedNetwork};

/// Packets between two writings: what was captured waits in memory for so long.
const PACKETS_AT_ONCE: u64 = 2_000;
const BUFFER_LEN: usize = 256 << 10;

/// A loaded chain whose every capture point is written to a file.
pub struct CapturedChain {
    loaded: LoadedNetwork,
    folder: tempfile::TempDir,
}

impl CapturedChain {
    /// A chain with a recorder at all its capture points.
    ///
    /// # Errors
    /// If there is no place for the file.
    pub fn new(chain: Chain, load: Load) -> io::Result<Self> {
        let mut loaded = LoadedNetwork::through(chain, load);
        let mut recorder = Recorder::new(loaded.simulation.compiled(), &CaptureChoice::Everywhere);
        // A capture needs no trails.
        recorder.forget_trails_before(PacketId(u64::MAX));
        loaded.observe_with(Box::new(recorder));
        let folder = tempfile::tempdir()?;
        Ok(Self { loaded, folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("capture.pcapng")
    }

    /// Sends so many packets and writes what was captured to a new file; gives back how many records that was.
    ///
    /// # Errors
    /// Those of the file.
    ///
    /// # Panics
    /// Never: the recorder is there.
    pub fn send(&mut self, packet_count: u64) -> io::Result<u64> {
        // A file that is cut to nothing costs more than a new one.
        let _ = fs::remove_file(self.path());
        let file = BufWriter::with_capacity(BUFFER_LEN, File::create(self.path())?);
        let mut writer = Writer::new(file, &Capture::default())?;
        let (mut left, mut record_count) = (packet_count, 0);
        while left > 0 {
            let now = left.min(PACKETS_AT_ONCE);
            self.loaded.send(now);
            left -= now;
            let recorder = self.loaded.network.observer_mut::<Recorder>();
            let records = recorder.expect("it was installed").take_records();
            for record in &records {
                writer.record(record)?;
            }
            record_count += records.len() as u64;
        }
        writer.flush()?;
        Ok(record_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Form;

    #[test]
    fn every_packet_is_captured_at_every_place_of_its_way() {
        let load = Load {
            flow_count: 3,
            payload_len: 64,
        };
        let mut chain = CapturedChain::new(Chain::new(Form::Gateways, 6), load).unwrap();
        // Out of one interface and into another, in and out of four gateways.
        assert_eq!(chain.send(100).unwrap(), 100 * (2 + 2 * 4));
        let written = fs::metadata(chain.path()).unwrap().len();
        assert!(written > 100 * 10 * (64 + 28 + 14), "{written}");
    }
}

//! Capturing at every place where packets can be captured, into a file.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use vpcsim_analysis::{Capture, CaptureChoice, Recorder};
use vpcsim_engine::PacketId;
use vpcsim_report::pcapng::{Stream, Writer};

use crate::chain::Chain;
use crate::load::{Load, LoadedNetwork};

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
    /// Never: the recorder and the file are there.
    pub fn send(&mut self, packet_count: u64) -> io::Result<u64> {
        // A file that is cut to nothing costs more than a new one.
        let _ = fs::remove_file(self.path());
        let writer = Writer::new(File::create(self.path())?, &Capture::default())?;
        let before = self.recorder().frame_count();
        self.recorder().hand_frames_to(Box::new(Stream::new(writer)));
        self.loaded.send(packet_count);
        let recorder = self.recorder();
        let stream = recorder.sink_mut::<Stream<File>>();
        stream.expect("it was handed over").flush()?;
        Ok((recorder.frame_count() - before) as u64)
    }

    fn recorder(&mut self) -> &mut Recorder {
        let recorder = self.loaded.network.observer_mut::<Recorder>();
        recorder.expect("it was installed")
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

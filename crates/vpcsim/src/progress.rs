//! A progress bar for work that takes longer than a second, where somebody sees it.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Terminal;

const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// How far a piece of work is.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_wanted: bool,
}

impl Progress {
    pub(crate) fn new(terminal: &Terminal) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            started: Instant::now(),
            is_wanted: terminal.shows_progress,
        }
    }

    /// `done` of `total` flows are through.
    pub(crate) fn advance(&mut self, done: usize, total: usize) {
        if self.is_wanted && self.bar.is_hidden() && self.started.elapsed() >= SHOWN_AFTER {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} flows, {eta} left");
            self.bar
                .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! The one engine timer that a node keeps.

use vpcsim_engine::{Context, Time, TimerId};

/// A timer that is set again only when something is due earlier than it; firing too early costs less than cancelling.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    pending: Option<(Time, TimerId)>,
}

impl Alarm {
    pub(crate) const fn new() -> Self {
        Self { pending: None }
    }

    pub(crate) fn arm(&mut self, context: &mut Context<'_>, due: Option<Time>) {
        let Some(due) = due else { return };
        if let Some((pending, timer)) = self.pending {
            if pending <= due {
                return;
            }
            context.cancel_timer(timer);
        }
        let delay = due.since(context.now());
        self.pending = Some((context.now() + delay, context.set_timer(delay, 0)));
    }

    pub(crate) fn fired(&mut self) {
        self.pending = None;
    }
}

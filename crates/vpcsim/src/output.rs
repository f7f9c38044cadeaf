//! Standard output for results, standard error for everything else; colours only where they are seen.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use vpcsim_report::Style;
use vpcsim_report::style::Role;

use crate::failure::Failure;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where output goes and how it may look.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// The style of results.
    pub(crate) style: Style,
    error_style: Style,
    quiet: bool,
    /// Whether somebody sees a progress bar.
    pub(crate) shows_progress: bool,
}

impl Terminal {
    pub(crate) fn new(choice: ColorChoice, quiet: bool) -> Self {
        Self {
            style: style(choice, || anstream::AutoStream::choice(&io::stdout())),
            error_style: style(choice, || anstream::AutoStream::choice(&io::stderr())),
            quiet,
            shows_progress: !quiet && io::stderr().is_terminal() && std::env::var_os("CI").is_none(),
        }
    }

    /// Prints a result.
    #[expect(
        clippy::unused_self,
        reason = "who prints has a terminal, as with notes and errors"
    )]
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        Ok(())
    }

    /// Says something beside the result; nothing when asked to be quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
            self.complain("\n");
        }
    }

    /// Shows an error.
    pub(crate) fn error(&self, message: &str) {
        let label = self.error_style.paint(Role::Bad, "error");
        self.complain(&format!("{label}: {message}\n"));
    }

    /// Shows text on standard error.
    #[expect(
        clippy::unused_self,
        reason = "who complains has a terminal, as with notes and errors"
    )]
    pub(crate) fn complain(&self, text: &str) {
        // When even standard error is closed, there is nobody left to tell.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// The style of what goes to standard error.
    pub(crate) const fn error_style(&self) -> Style {
        self.error_style
    }
}

fn style(choice: ColorChoice, detect: impl Fn() -> anstream::ColorChoice) -> Style {
    let coloured = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => detect() != anstream::ColorChoice::Never,
    };
    if coloured { Style::Colour } else { Style::Plain }
}

/// From now on a panic says that it is our bug and what to send us.
pub(crate) fn report_panics_as_our_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("without a message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let command: Vec<_> = std::env::args().collect();
        let report = format!(
            "error: this is a bug of vpcsim, not a fault of your design\n  \
             what:    {message}\n  \
             where:   {place}\n  \
             version: {}\n  \
             command: {}\n\
             help: please report these lines, if you can together with the design\n",
            env!("CARGO_PKG_VERSION"),
            command.join(" "),
        );
        let _ = io::stderr().lock().write_all(report.as_bytes());
    }));
}

//! How the program ends.

use std::io;
use std::path::Path;

use crate::output::Terminal;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Everything is as it should be.
    Good = 0,
    /// The answer is no: not reachable, an expectation failed, the design has errors.
    Bad = 1,
    /// The command line or an input is wrong.
    WrongInput = 2,
    /// The program is wrong.
    Bug = 3,
}

impl Status {
    /// The status of an answer that is as wished or not.
    pub(crate) const fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// Why a command could not give an answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What is wrong with the input, one message for each thing.
    Input(Vec<String>),
    /// The same, already shown.
    Shown,
    /// Whoever read our output has gone away, as `head` does: no error.
    ReaderGone,
}

impl Failure {
    /// One thing is wrong.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::Input(vec![message.into()])
    }

    /// A file could not be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: &io::Error) -> Self {
        Self::input(format!("cannot {verb} {}: {}", path.display(), words(error)))
    }

    /// Tells the user, and says how to end.
    pub(crate) fn report(self, terminal: &Terminal) -> Status {
        match self {
            Self::Input(messages) => {
                for message in messages {
                    terminal.error(&message);
                }
                Status::WrongInput
            }
            Self::Shown => Status::WrongInput,
            Self::ReaderGone => Status::Good,
        }
    }
}

/// Errors of standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::input(format!("cannot write to standard output: {}", words(&error)))
    }
}

/// The error without the number that the system gives it.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

use std::error::Error;
use std::io;
use std::process::ExitCode;

use application::errors::BoxError;

/// Why a command failed, and the exit code of the process.
#[derive(Debug)]
pub struct Failure {
    exit_code: u8,
    error: BoxError,
}

/// The reader of standard output wants no more of it, such as `head`.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(crate) struct OutputClosed;

/// The exit code of a process that SIGINT ended: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

impl Failure {
    /// A failure of the setup (configuration, model, store): exit code 2. Any other failure has exit code 1.
    pub fn set_up(error: impl Into<BoxError>) -> Self {
        Self { exit_code: 2, error: error.into() }
    }

    /// The end of a command by Ctrl-C: exit code 130.
    pub(crate) fn interrupted(error: impl Into<BoxError>) -> Self {
        Self { exit_code: INTERRUPTED, error: error.into() }
    }

    /// What failed.
    pub fn error(&self) -> &(dyn Error + 'static) {
        self.error.as_ref()
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }

    /// Whether only the reader of standard output ended the command.
    pub(crate) fn is_closed_output(&self) -> bool {
        self.error().is::<OutputClosed>()
    }
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit_code: 1, error: error.into() }
    }
}

/// The failure of writing to standard output.
pub(crate) fn output_error(error: io::Error) -> BoxError {
    if error.kind() == io::ErrorKind::BrokenPipe { OutputClosed.into() } else { error.into() }
}

use std::error::Error;
use std::process::ExitCode;

use application::errors::BoxError;

/// Why a command failed, and the exit code of the process.
#[derive(Debug)]
pub struct Failure {
    exit_code: u8,
    error: BoxError,
}

impl Failure {
    /// A failure of the setup (configuration, model, store): exit code 2. Any other failure has exit code 1.
    pub fn set_up(error: impl Into<BoxError>) -> Self {
        Self { exit_code: 2, error: error.into() }
    }

    /// What failed.
    pub fn error(&self) -> &(dyn Error + 'static) {
        self.error.as_ref()
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit_code: 1, error: error.into() }
    }
}

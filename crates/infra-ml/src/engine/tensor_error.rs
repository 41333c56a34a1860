use std::error::Error;
use std::fmt;

use candle_core::Error as CandleError;

/// An error of Candle, as one line.
///
/// Where `RUST_BACKTRACE` is set, the message of Candle's own error includes a backtrace of dozens of lines.
#[derive(Debug)]
pub(crate) struct TensorError(CandleError);

impl From<CandleError> for TensorError {
    fn from(error: CandleError) -> Self {
        Self(error)
    }
}

impl Error for TensorError {}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = without_backtrace(&self.0);
        let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
        f.write_str(&lines.collect::<Vec<_>>().join("; "))
    }
}

fn without_backtrace(error: &CandleError) -> String {
    match error {
        CandleError::WithBacktrace { inner, .. } => without_backtrace(inner),
        CandleError::Context { inner, context } => format!("{context}: {}", without_backtrace(inner)),
        CandleError::WithPath { inner, path } => format!("{}: {}", path.display(), without_backtrace(inner)),
        CandleError::WrappedContext { wrapped, context } => {
            let inner = wrapped.downcast_ref().map_or_else(|| wrapped.to_string(), without_backtrace);
            format!("{context}: {inner}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::backtrace::Backtrace;

    use super::*;

    fn with_backtrace(inner: CandleError) -> CandleError {
        CandleError::WithBacktrace { inner: inner.into(), backtrace: Backtrace::force_capture().into() }
    }

    #[test]
    fn no_message_has_a_backtrace_or_more_than_one_line() {
        let driver = || with_backtrace(CandleError::Cuda("DriverError(CUDA_ERROR_NO_DEVICE)".into()));
        assert!(driver().to_string().lines().count() > 1, "Candle's own message has the backtrace");
        let wrapped = CandleError::WrappedContext { wrapped: driver().into(), context: "c".to_owned() };
        for (error, message) in [
            (driver(), "DriverError(CUDA_ERROR_NO_DEVICE)"),
            (with_backtrace(driver()).context("a kernel"), "a kernel: DriverError(CUDA_ERROR_NO_DEVICE)"),
            (driver().with_path("a/file"), "a/file: DriverError(CUDA_ERROR_NO_DEVICE)"),
            (with_backtrace(wrapped), "c: DriverError(CUDA_ERROR_NO_DEVICE)"),
            (CandleError::Msg("one\n  two\n\nthree\n".to_owned()), "one; two; three"),
        ] {
            assert_eq!(TensorError::from(error).to_string(), message);
        }
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};

use application::action::panic_message;

/// Runs `work`; a panic in it becomes an error with the panic's message.
///
/// A panic may leave what `work` borrows half changed, so callers must only lend what they rebuild or drop
/// afterwards, or what every use begins by overwriting.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| panic_message(panic.as_ref()).unwrap_or("a panic").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(catch_panic::<()>(|| panic!("out of {}", "luck")), Err("out of luck".to_owned()));
        assert_eq!(catch_panic::<()>(|| panic!("plain")), Err("plain".to_owned()));
    }
}

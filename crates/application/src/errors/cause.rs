use std::error::Error;
use std::sync::Arc;

/// The cause of an error, of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A cause shared by several errors, such as those of all calls that waited for one inference.
pub type SharedError = Arc<dyn Error + Send + Sync>;

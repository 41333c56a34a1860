use std::io;

use tokio::task::JoinError;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The name of an address cannot be resolved.
    #[error("cannot resolve {address}: {reason}; choose another --host")]
    Resolve {
        /// The address.
        address: String,
        /// Why.
        reason: io::Error,
    },
    /// An address cannot be bound.
    #[error("cannot bind {address}: {reason}; choose another --port")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        reason: io::Error,
    },
    /// Too few files can be open at a time.
    #[error(
        "the limit of open files is {limit}, of which {others} are not for connections; raise it (ulimit -n, \
         LimitNOFILE) to at least {least}"
    )]
    OpenFiles {
        /// The limit in effect.
        limit: u64,
        /// The files that are not connections.
        others: u64,
        /// The least limit that is enough.
        least: u64,
    },
    /// A listener that is bound cannot be used.
    #[error("cannot use the listener")]
    Listener(#[source] io::Error),
    /// A running server failed.
    #[error("the server failed")]
    Failed(#[source] io::Error),
    /// A running server panicked.
    #[error("the server failed")]
    Panicked(#[source] JoinError),
    /// A running server ended by itself.
    #[error("the server ended unexpectedly")]
    Ended,
}

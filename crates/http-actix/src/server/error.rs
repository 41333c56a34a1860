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
        /// Why, in the system's words.
        reason: String,
    },
    /// An address cannot be bound.
    #[error("cannot bind {address}: {reason}{advice}", advice = advice(*kind))]
    Bind {
        /// The address.
        address: String,
        /// Why, in the system's words.
        reason: String,
        /// What kind of reason it is.
        kind: io::ErrorKind,
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

impl ServeError {
    pub(super) fn resolve(address: String, reason: &io::Error) -> Self {
        Self::Resolve { address, reason: in_words(reason) }
    }

    pub(super) fn bind(address: String, reason: &io::Error) -> Self {
        Self::Bind { address, reason: in_words(reason), kind: reason.kind() }
    }

    /// Whether another program has the address.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Bind { kind: io::ErrorKind::AddrInUse, .. })
    }
}

/// What to do about an address that cannot be bound.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => ": another program listens there; stop it, or choose another --port",
        io::ErrorKind::AddrNotAvailable => ": this machine has no such address; choose another --host",
        io::ErrorKind::PermissionDenied => {
            ": ports below 1024 need the capability CAP_NET_BIND_SERVICE; grant it, or choose another --port"
        }
        _ => "; choose another --host or --port",
    }
}

/// The system's words for `error`, without its number, in lower case.
fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

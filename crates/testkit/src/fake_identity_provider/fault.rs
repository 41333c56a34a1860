/// What an identity provider, or the network before it, does to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderFault {
    /// Answers with this status.
    Status(u16),
    /// Redirects to this address.
    Redirect(String),
    /// Reads the request and sends nothing.
    Stall,
    /// Sends the head and the first byte of the body, and leaves the connection open.
    StallInBody,
    /// Sends so many bytes, with their number in the head or without it.
    Large {
        /// How many.
        bytes: usize,
        /// Whether the head says how many.
        declared: bool,
    },
    /// Sends something else than a key set.
    Garbage,
    /// Ends the connection.
    Cut,
}

//! What the benchmarks have in common: the texts, the load, a server under it and what it takes. Start reading at
//! [`load`]; `docs/benchmarks.md` says what is measured and why so.

pub(crate) mod client;
pub(crate) mod corpus;
pub(crate) mod disk;
pub(crate) mod load;
pub(crate) mod resident;
mod sentences;
pub(crate) mod server;
pub(crate) mod table;
pub(crate) mod undertone;

//! The parts of the benchmarks: texts, load, the server under load and its memory. Start reading at [`load`];
//! `docs/benchmarks.md` explains what is measured and why.

pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod comparison;
pub(crate) mod corpus;
pub(crate) mod disk;
pub(crate) mod fixed_load;
pub(crate) mod interval;
pub(crate) mod load;
pub(crate) mod ndjson_stream;
pub(crate) mod resident;
mod sentences;
pub(crate) mod server;
pub(crate) mod table;
pub(crate) mod tally;
pub(crate) mod undertone;

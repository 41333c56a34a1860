//! The store ports on SQLite: the embedded default

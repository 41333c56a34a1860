//! In-process adapters: system clock, UUIDv7 ids, log publisher, answer metrics

//! The contract of every store.

use store_contract::store_contract;

use crate::harness::PostgresHarness;

store_contract!(PostgresHarness);

//! What every store must do.

use store_contract::store_contract;

use crate::harness::PostgresHarness;

store_contract!(PostgresHarness);

use store_contract::store_contract;

use crate::harness::SqliteHarness;

store_contract!(SqliteHarness);

//! The store's clock in SQL. Within a statement it stands still.

/// Microseconds since the epoch, to the millisecond.
macro_rules! now_us {
    () => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
}

/// The day (UTC): days since the epoch.
macro_rules! today {
    () => {
        "(unixepoch() / 86400)"
    };
}

/// Microseconds until the day (UTC) ends.
macro_rules! day_ends_in_us {
    () => {
        concat!("(86400000000 - ", now_us!(), " % 86400000000)")
    };
}

//! The server's day in SQL, as of the start of the statement.

/// The day (UTC).
macro_rules! today {
    () => {
        "(statement_timestamp() AT TIME ZONE 'UTC')::date"
    };
}

/// Microseconds until the day (UTC) ends.
macro_rules! day_ends_in_us {
    () => {
        "(86400000000 - (extract(epoch FROM statement_timestamp()) * 1000000)::bigint % 86400000000)"
    };
}

pub(crate) use {day_ends_in_us, today};

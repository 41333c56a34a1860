-- Who may do what only one process may do at a time. A lease that was given back has no holder; its row stays,
-- so that its fence goes on growing.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT,
    fence INTEGER NOT NULL,
    expires_at INTEGER NOT NULL -- microseconds since the epoch
) STRICT;

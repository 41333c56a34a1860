-- Who may do what only one process may do at a time. A lease that was given back has no holder; its row stays,
-- so that its fence goes on growing.
CREATE TABLE leases (
    name text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C",
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

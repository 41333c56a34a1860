-- What the callers of a tenant may use together, and those of a key, as a JSON object; null where nothing is limited.
ALTER TABLE tenants ADD COLUMN limits TEXT;
ALTER TABLE api_keys ADD COLUMN limits TEXT;

-- The texts of each day, by the process that counted them.
CREATE TABLE usage (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL, -- days since the epoch, UTC
    principal TEXT NOT NULL, -- a caller of the tenant; empty for all its callers together
    replica TEXT NOT NULL,
    texts INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, principal, replica)
) STRICT, WITHOUT ROWID;

-- The requests that their clients may send again. A row without an answer belongs to a request that is being answered,
-- until its lease ends.
CREATE TABLE idempotency_keys (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the request
    fence INTEGER NOT NULL, -- grows with every claim of the key
    lease_ends_at INTEGER NOT NULL, -- microseconds since the epoch, as is the following
    created_at INTEGER NOT NULL, -- of the last claim
    answer TEXT, -- JSON: the ids and the failures of the items
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- The owners of rows. Rows of earlier releases belong to `default`. No table refers to this one: a process of the
-- release before writes rows of `default` without it.
CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'erasing', 'erased')),
    created_at INTEGER NOT NULL -- microseconds since the epoch
) STRICT;

INSERT INTO tenants (name, status, created_at)
VALUES ('default', 'active', CAST(unixepoch('subsec') * 1000000 AS INTEGER));

-- API keys, by their public part. Of the secret only a hash is stored.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT,
    scopes TEXT NOT NULL, -- names, separated by spaces
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32), -- SHA-256 of the whole key
    created_at INTEGER NOT NULL, -- microseconds since the epoch, as are the following
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;

CREATE INDEX api_keys_by_tenant ON api_keys (tenant, created_at, id);

-- The changes and who made them, numbered without gaps. Texts, so that a line is sealed and checked exactly as it is
-- stored.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    tenant TEXT, -- null for a change of the whole service
    at INTEGER NOT NULL, -- microseconds since the epoch
    actor TEXT NOT NULL,
    key_id TEXT,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT,
    seal BLOB CHECK (length(seal) = 32) -- HMAC-SHA-256 of the line and of the seal before it
) STRICT;

CREATE INDEX audit_by_tenant ON audit (tenant, seq);

-- The number and the seal of the last line.
CREATE TABLE audit_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seq INTEGER NOT NULL,
    seal BLOB CHECK (length(seal) = 32)
) STRICT;

INSERT INTO audit_head (only_row, seq) VALUES (1, 0);

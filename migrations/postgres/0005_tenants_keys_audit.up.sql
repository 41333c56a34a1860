-- The owners of rows. Rows of earlier releases belong to `default`. No table refers to this one: a replica of the
-- release before writes rows of `default` without it.
CREATE TABLE tenants (
    name text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'disabled', 'erasing', 'erased')),
    created_at timestamptz NOT NULL
);

INSERT INTO tenants (name, status, created_at) VALUES ('default', 'active', statement_timestamp());

-- API keys, by their public part. Of the secret only a hash is stored.
CREATE TABLE api_keys (
    id text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C",
    scopes text COLLATE "C" NOT NULL, -- names, separated by spaces
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32), -- SHA-256 of the whole key
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

CREATE INDEX api_keys_by_tenant ON api_keys (tenant, created_at, id);

-- The changes and who made them, numbered without gaps. Texts, so that a line is sealed and checked exactly as it is
-- stored.
CREATE TABLE audit (
    seq bigint PRIMARY KEY,
    tenant text COLLATE "C", -- null for a change of the whole service
    at timestamptz NOT NULL,
    actor text COLLATE "C" NOT NULL,
    key_id text COLLATE "C",
    address text COLLATE "C",
    request_id text COLLATE "C",
    action text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    detail text COLLATE "C",
    seal bytea CHECK (octet_length(seal) = 32) -- HMAC-SHA-256 of the line and of the seal before it
);

CREATE INDEX audit_by_tenant ON audit (tenant, seq);

-- The number and the seal of the last line. Appending lines locks this row, so that they are numbered in the order of
-- their commits.
CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY CHECK (only_row),
    seq bigint NOT NULL,
    seal bytea CHECK (octet_length(seal) = 32)
);

INSERT INTO audit_head (only_row, seq) VALUES (true, 0);

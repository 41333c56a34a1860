-- What the callers of a tenant may use together, and those of a key, as a JSON object; null where nothing is limited.
ALTER TABLE tenants ADD COLUMN limits text COLLATE "C";
ALTER TABLE api_keys ADD COLUMN limits text COLLATE "C";

-- The texts of each day. Every replica has rows of its own, so that replicas do not wait for each other.
CREATE TABLE usage (
    tenant text COLLATE "C" NOT NULL,
    day date NOT NULL, -- UTC
    principal text COLLATE "C" NOT NULL, -- a caller of the tenant; empty for all its callers together
    replica text COLLATE "C" NOT NULL,
    texts bigint NOT NULL,
    PRIMARY KEY (tenant, day, principal, replica)
);

-- The requests that their clients may send again. A row without an answer belongs to a request that is being answered,
-- until its lease ends.
CREATE TABLE idempotency_keys (
    tenant text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256 of the request
    fence bigint NOT NULL, -- grows with every claim of the key
    lease_ends_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL, -- of the last claim
    answer text COLLATE "C", -- JSON: the ids and the failures of the items
    PRIMARY KEY (tenant, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

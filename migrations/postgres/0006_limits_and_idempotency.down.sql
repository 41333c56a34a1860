DROP TABLE idempotency_keys;
DROP TABLE usage;
ALTER TABLE api_keys DROP COLUMN limits;
ALTER TABLE tenants DROP COLUMN limits;

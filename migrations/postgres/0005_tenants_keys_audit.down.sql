DROP TABLE audit_head;
DROP TABLE audit;
DROP TABLE api_keys;
DROP TABLE tenants;

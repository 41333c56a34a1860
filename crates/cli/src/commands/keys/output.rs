use domain::entities::ApiKey;
use domain::value_objects::{Scope, Timestamp};
use serde_json::Value;

use crate::program::Program;
use crate::table::Table;
use crate::times::to_the_second;

/// The keys as a table; below each its name, scopes and limits.
pub(super) fn as_table(keys: &[ApiKey], now: Timestamp) -> String {
    let mut table = Table::new(["ID", "TENANT", "STATUS", "EXPIRES", "LAST USED"]);
    for key in keys {
        let never = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), to_the_second);
        let name = key.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let limits =
            if key.limits.is_unlimited() { String::new() } else { format!("; limits: {}", key.limits) };
        let cells = [
            key.id.to_string(),
            key.tenant.to_string(),
            key.state(now).as_str().to_owned(),
            never(key.expires_at),
            never(key.last_used_at),
        ];
        table.add(cells, &format!("{name}{}{limits}", scopes(key)));
    }
    table.to_string()
}

/// The key as the API returns it, and its tenant.
pub(super) fn as_json<P: Program>(key: &ApiKey, now: Timestamp) -> serde_json::Result<Value> {
    let mut value = P::key_json(key, now)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("tenant".to_owned(), key.tenant.as_str().into());
    }
    Ok(value)
}

/// The scopes of a key, separated by commas.
pub(super) fn scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use domain::value_objects::{KeyId, KeyName, Limits, Scopes, SecretHash, TenantId};

    use super::*;

    fn key() -> ApiKey {
        let at = |days: i64| Timestamp::from_micros((20_000 + days) * 86_400_000_000);
        ApiKey {
            id: KeyId::parse("id", "NT3kWq0aZbYd").expect("an id"),
            tenant: TenantId::parse("acme").expect("a name"),
            name: KeyName::parse("web frontend").ok(),
            scopes: Scopes::of_tenant(),
            limits: Limits::default(),
            secret: SecretHash::from_bytes([7; 32]),
            created_at: at(0),
            expires_at: Some(at(30)),
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn a_table_of_keys_fits_80_columns() {
        let (key, now) = (key(), Timestamp::from_micros(0));
        let scopes = [Scope::ModelsRead].into_iter().collect();
        let limits = Limits { concurrent: NonZeroU32::new(2), ..Limits::default() };
        let unnamed = ApiKey { name: None, scopes, limits, ..key.clone() };
        let expected = "\
ID            TENANT  STATUS  EXPIRES               LAST USED
NT3kWq0aZbYd  acme    active  2024-11-03T00:00:00Z  never
    web frontend: predictions:write, predictions:read, predictions:delete,
    models:read, keys:admin
NT3kWq0aZbYd  acme    active  2024-11-03T00:00:00Z  never
    models:read; limits: concurrent 2
";
        assert_eq!(as_table(&[key, unnamed], now), expected);
    }
}

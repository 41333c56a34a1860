//! How callers authenticate, and the scopes that each operation requires, as its controller declares them.

use domain::value_objects::Scope;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use crate::access::Access;
use crate::routes;
use crate::state::HttpSettings;

/// The names of the two schemes.
const BEARER: &str = "bearer";
const API_KEY: &str = "api_key";

/// Adds the schemes, and to each operation which callers it is for.
pub(super) fn add(document: &mut OpenApi, settings: &HttpSettings) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key or a token (JWT). Only where the service requires authentication."))
        .build();
    let header = ApiKeyValue::with_description("X-API-Key", "An API key.");
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(header)));
    for (path, methods) in routes::public_routes(settings) {
        let Some(item) = document.paths.paths.get_mut(path) else { continue };
        for (method, access) in methods {
            let operation = match method {
                "GET" => &mut item.get,
                "POST" => &mut item.post,
                "DELETE" => &mut item.delete,
                _ => continue,
            };
            if let (Some(operation), Access::Caller(any_of)) = (operation, access) {
                require(operation, any_of);
            }
        }
    }
}

fn require(operation: &mut Operation, any_of: &[Scope]) {
    let schemes = [BEARER, API_KEY].map(|scheme| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []));
    operation.security = Some(schemes.into());
    let names: Vec<String> = any_of.iter().map(|scope| format!("`{scope}`")).collect();
    let needed = match names.as_slice() {
        [] => "Needs any valid key or token.".to_owned(),
        [one] => format!("Needs the scope {one}."),
        several => format!("Needs one of the scopes {}.", several.join(" and ")),
    };
    let described = operation.description.take().filter(|text| !text.is_empty());
    operation.description = Some(described.map_or(needed.clone(), |text| format!("{text}\n\n{needed}")));
}

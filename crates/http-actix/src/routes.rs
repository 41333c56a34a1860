//! Every path of the service, its methods, and the controller of each.

mod analytics;
mod endpoint;
mod trends;

use actix_web::web::{self, ServiceConfig};

use crate::controllers::{
    audit, batch, caller, console, docs, event, export, health, key, metrics, model, prediction, refusal,
    stream, usage,
};
use crate::state::HttpSettings;

pub(crate) use endpoint::Endpoint;
pub use endpoint::RouteMethods;

/// Returns the routes of the API for clients and the methods of each, in the order in which they are matched.
pub fn public_routes(settings: &HttpSettings) -> Vec<RouteMethods> {
    public(settings).iter().map(Endpoint::describe).collect()
}

/// Returns the routes of the API for operators.
pub fn admin_routes(settings: &HttpSettings) -> Vec<RouteMethods> {
    admin(settings).iter().map(Endpoint::describe).collect()
}

/// Returns the endpoints of the API for clients.
pub(crate) fn public(settings: &HttpSettings) -> Vec<Endpoint> {
    let mut endpoints = predictions();
    endpoints.push(Endpoint::at("/api/v1/events").get(event::follow));
    endpoints.push(Endpoint::at("/api/v1/models").get(model::list));
    endpoints.push(Endpoint::at("/api/v1/models/{name}").post(model::load).delete(model::unload));
    endpoints.extend(trends::trends());
    endpoints.extend(analytics::endpoints());
    endpoints.extend(access());
    endpoints.extend(probes());
    if !settings.admin_split {
        endpoints.push(metrics(settings));
    }
    endpoints.extend(documents());
    if settings.console {
        endpoints.extend(console());
    }
    endpoints
}

/// Returns the endpoints of the operators' listener.
pub(crate) fn admin(settings: &HttpSettings) -> Vec<Endpoint> {
    let mut endpoints = probes();
    endpoints.push(metrics(settings));
    endpoints
}

/// Registers the endpoints, and the response to unknown paths.
pub(crate) fn register(config: &mut ServiceConfig, endpoints: Vec<Endpoint>) {
    for endpoint in endpoints {
        config.service(endpoint.into_resource());
    }
    config.default_service(web::to(refusal::unknown_route));
}

/// The fixed names come before `{id}`, which would match them too.
fn predictions() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/v1/predictions").get(prediction::list).post(prediction::create),
        Endpoint::at("/api/v1/predictions/batch").post(batch::create),
        Endpoint::at("/api/v1/predictions/stream").post(stream::create),
        Endpoint::at("/api/v1/predictions/export").get(export::download),
        Endpoint::at("/api/v1/predictions/{id}").get(prediction::get).delete(prediction::delete),
    ]
}

fn access() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/v1/me").get(caller::me),
        Endpoint::at("/api/v1/usage").get(usage::show),
        Endpoint::at("/api/v1/keys").get(key::list).post(key::issue),
        Endpoint::at("/api/v1/keys/{id}").delete(key::revoke),
        Endpoint::at("/api/v1/audit").get(audit::list),
    ]
}

fn metrics(settings: &HttpSettings) -> Endpoint {
    Endpoint::at("/metrics").unlimited().protected_if(settings.protect_metrics).get(metrics::render)
}

fn probes() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/health").get(health::report),
        Endpoint::at("/health/live").get(health::live),
        Endpoint::at("/health/ready").get(health::ready),
    ]
}

fn documents() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/openapi.json").get(docs::document),
        Endpoint::at("/docs").get(docs::redirect),
        Endpoint::at("/docs/").get(docs::page),
        Endpoint::at("/docs/assets/{version}/{path:.*}").get(docs::file),
    ]
}

fn console() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/").get(console::root),
        Endpoint::at("/console").get(console::redirect),
        Endpoint::at("/console/").get(console::page),
        Endpoint::at("/console/assets/{version}/{path:.*}").get(console::file),
    ]
}

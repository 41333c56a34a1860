//! The applications that actix-web runs: the routes, wrapped in the middlewares.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::Data;
use actix_web::{App, Error};
use tracing_actix_web::TracingLogger;

use crate::controllers::docs::OpenApiDocument;
use crate::middlewares::{
    RequestSpan, accept_encoding, check_host, close_while_draining, cors, mark_connection, observe,
    present_cors_refusal, request_id, security_headers,
};
use crate::openapi::document_for;
use crate::routes::{self, Endpoint};
use crate::state::ApiState;

/// Returns the API for clients, for `HttpServer::new` or `actix_web::test::init_service`.
pub fn api(
    state: ApiState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let endpoints = routes::public(&state.settings);
    assemble(state, endpoints)
}

/// Returns the API for operators: metrics and the detailed health, for a listener that clients cannot reach.
pub fn admin_api(
    mut state: ApiState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    state.settings.admin_split = false;
    state.settings.cors_origins.clear();
    let endpoints = routes::admin(&state.settings);
    assemble(state, endpoints)
}

/// The middleware that is wrapped last is the first to receive a request and the last to receive its response.
fn assemble(
    state: ApiState,
    endpoints: Vec<Endpoint>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let settings = &state.settings;
    let cross_origin = Condition::new(!settings.cors_origins.is_empty(), cors(settings));
    let document = OpenApiDocument(document_for(settings).into());
    App::new()
        .app_data(Data::new(document))
        .app_data(Data::new(state))
        .configure(|config| routes::register(config, endpoints))
        .wrap(Compress::default())
        .wrap(from_fn(accept_encoding))
        .wrap(cross_origin)
        .wrap(from_fn(present_cors_refusal))
        .wrap(from_fn(check_host))
        .wrap(from_fn(security_headers))
        .wrap(from_fn(close_while_draining))
        .wrap(from_fn(observe))
        .wrap(TracingLogger::<RequestSpan>::new())
        .wrap(from_fn(request_id))
        .wrap(from_fn(mark_connection))
}

//! From a view to the JSON body of a response.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::body_memory::{FREE_BYTES, Reservation};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// The response whose body is what `present` makes, as JSON. A large one is made away from the connections' threads;
/// how large it becomes is what `reservation` was made for, and it goes with the response.
pub(crate) async fn render_json<T: Serialize>(
    state: &ApiState,
    reservation: Reservation,
    mut response: HttpResponseBuilder,
    present: impl FnOnce() -> T + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let render = move || serde_json::to_vec(&present());
    let body = state.offload.run(reservation.bytes(), render).await?.map_err(|error| {
        tracing::error!(%error, "a response cannot be serialized");
        Problem::new(ProblemCode::Internal)
    })?;
    let large = body.len() > FREE_BYTES;
    let mut response = response.insert_header((CONTENT_TYPE, "application/json")).body(body);
    if large {
        response.extensions_mut().insert(reservation);
    }
    Ok(response)
}

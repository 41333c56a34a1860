use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::connection::{ConnectionState, RequestGuard};
use crate::middlewares::guarded_body::GuardedBody;

/// Marks the connection as busy until the response's body is sent, so that the limits on idle connections do not close
/// it meanwhile.
pub(crate) async fn mark_connection(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<GuardedBody<Option<RequestGuard>>>, Error> {
    let guard = request.conn_data::<ConnectionState>().map(ConnectionState::begin_request);
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| GuardedBody::new(body, guard)))
}

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use crate::connection::{ConnectionState, RequestGuard};

/// Marks the connection as busy until the whole response was taken from its body, so that the limits on idle
/// connections do not end it meanwhile.
pub(crate) async fn mark_connection(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<GuardedBody>, Error> {
    let guard = request.conn_data::<ConnectionState>().map(ConnectionState::begin_request);
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| GuardedBody { body: body.boxed(), _guard: guard }))
}

/// A response's body, with the mark that ends when it does.
pub(crate) struct GuardedBody {
    body: BoxBody,
    _guard: Option<RequestGuard>,
}

impl MessageBody for GuardedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

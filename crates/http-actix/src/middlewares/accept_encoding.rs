use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, AcceptEncoding, CONTENT_ENCODING, Encoding, Header};
use actix_web::middleware::Next;

/// Removes an `Accept-Encoding` that cannot be parsed or satisfied: the response is then sent uncompressed, which
/// RFC 9110 (section 12.5.3) allows, instead of being refused. Also removes `Content-Encoding: identity` from a
/// response: controllers set it to disable compression, and it must not be sent (RFC 9110, section 8.4.1).
pub(crate) async fn accept_encoding(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let supported = [Encoding::identity(), Encoding::brotli(), Encoding::gzip(), Encoding::deflate()];
    let can_satisfy =
        AcceptEncoding::parse(&request).is_ok_and(|accepted| accepted.negotiate(supported.iter()).is_some());
    if !can_satisfy {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    let mut response = next.call(request).await?;
    if response.headers().get(CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    Ok(response)
}

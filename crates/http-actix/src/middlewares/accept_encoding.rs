use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, AcceptEncoding, CONTENT_ENCODING, Encoding, Header};
use actix_web::middleware::Next;

/// Forgets an `Accept-Encoding` that can neither be read nor fulfilled: the answer then comes as it is, which
/// RFC 9110 (12.5.3) allows, instead of not at all. And takes `Content-Encoding: identity` off a response: it keeps
/// the compression off, and has no place on the wire (RFC 9110, 8.4.1).
pub(crate) async fn accept_encoding(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let supported = [Encoding::identity(), Encoding::brotli(), Encoding::gzip(), Encoding::deflate()];
    let fulfilled =
        AcceptEncoding::parse(&request).is_ok_and(|accepted| accepted.negotiate(supported.iter()).is_some());
    if !fulfilled {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    let mut response = next.call(request).await?;
    if response.headers().get(CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    Ok(response)
}

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use futures_util::Stream;

/// Returns a response that proxies forward part by part: not compressed, buffered or cached.
pub(super) fn streamed(
    media_type: &'static str,
    body: impl Stream<Item = Result<Bytes, Error>> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body)
}

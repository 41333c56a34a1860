use actix_web::HttpRequest;
use domain::value_objects::TraceParent;

/// The trace that the request belongs to; none without a header `traceparent`, or with one that cannot be parsed.
pub(crate) fn trace_parent(request: &HttpRequest) -> Option<TraceParent> {
    let header = request.headers().get("traceparent")?;
    header.to_str().ok().and_then(TraceParent::parse)
}

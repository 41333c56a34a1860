use actix_web::HttpRequest;

/// Returns the path's `{name}` unchecked: the use case checks it.
pub(crate) fn model_name(request: &HttpRequest) -> String {
    request.match_info().get("name").unwrap_or_default().to_owned()
}

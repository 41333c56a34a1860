use actix_web::HttpRequest;

/// The path's `{name}` as it stands there; whether it is a name is the use case's to say.
pub(crate) fn model_name(request: &HttpRequest) -> String {
    request.match_info().get("name").unwrap_or_default().to_owned()
}

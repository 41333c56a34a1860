use utoipa::OpenApi;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Required};

use crate::controllers::{
    analytics, audit, batch, caller, docs, event, export, health, key, metrics, model, prediction, stream,
    trends, usage,
};
use crate::extractors::{
    batch_schema, item_schema, key_schema, model_spec_schema, options_schema, prediction_schema,
};
use crate::openapi::{headers, problems, security};
use crate::presenters::{CloudEvent, ExportEnd, StreamEnd, StreamLine};
use crate::problem::ProblemView;
use crate::state::HttpSettings;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Undertone",
        description = "A self-hosted sentiment service: every prediction is stored and can be read again by its id. \
                       Errors are problem details (RFC 9457) of one closed catalog.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact()
    ),
    tags(
        (name = "predictions", description = "Classify texts; read, search and delete the stored predictions"),
        (name = "events", description = "Follow what happens to predictions"),
        (name = "analytics", description = "What the stored predictions show together"),
        (name = "models", description = "List, load and unload models"),
        (name = "access", description = "Who is calling: API keys, usage and limits, and the audit of changes"),
        (name = "operations", description = "Health, metrics and the OpenAPI document")
    ),
    paths(
        prediction::create,
        prediction::list,
        export::download,
        prediction::get,
        prediction::delete,
        batch::create,
        stream::create,
        analytics::terms, event::follow,
        model::list,
        model::load,
        model::unload,
        caller::me,
        trends::show,
        trends::break_down,
        usage::show,
        key::issue,
        key::list,
        key::revoke,
        audit::list,
        health::report,
        health::live,
        health::ready,
        metrics::render,
        docs::document
    ),
    components(schemas(CloudEvent, ProblemView, StreamLine, StreamEnd, ExportEnd))
)]
struct Document;

/// Returns the document for the default settings: pretty JSON in a stable order, with a line feed at its end.
pub fn openapi() -> String {
    document_for(&HttpSettings::default())
}

/// Returns the document for `settings`.
pub(crate) fn document_for(settings: &HttpSettings) -> String {
    let mut document = Document::openapi();
    problems::add(&mut document);
    headers::add(&mut document);
    security::add(&mut document, settings);
    for operation in problems::operations(&mut document) {
        // utoipa sets it for a body with a type, but not for one with a reference to a schema.
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.required = Some(Required::True);
        }
    }
    let components = document.components.get_or_insert_default();
    for (name, schema) in request_schemas(settings.max_text_chars) {
        components.schemas.insert(name.to_owned(), schema.into());
    }
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// Returns the schemas of the requests' JSON objects by name, for texts of at most `max_text_chars` characters.
fn request_schemas(max_text_chars: usize) -> [(&'static str, ObjectBuilder); 6] {
    [
        ("PredictionInput", prediction_schema(max_text_chars)),
        ("PredictionOptions", options_schema()),
        ("BatchInput", batch_schema()),
        ("BatchItemInput", item_schema(max_text_chars)),
        ("ModelInput", model_spec_schema()),
        ("KeyInput", key_schema()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_of_the_document_lists_its_problems() {
        let mut document = Document::openapi();
        let documented: BTreeSet<_> = problems::operations(&mut document)
            .filter_map(|operation| operation.operation_id.clone())
            .collect();
        let listed: BTreeSet<_> = problems::OPERATIONS.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(documented, listed);
        assert_eq!(listed.len(), problems::OPERATIONS.len(), "an operation is listed twice");
    }
}

use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema};

use crate::controllers::{batch, docs, health, metrics, model, prediction, stream};
use crate::extractors::{BatchInput, BatchItemInput, ModelInput, OptionsInput, PredictionInput};
use crate::openapi::problems;
use crate::presenters::{StreamEnd, StreamLine};
use crate::problem::ProblemView;
use crate::state::HttpSettings;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Undertone",
        description = "A self-hosted sentiment service: every prediction is stored and can be read again by its id. \
                       Errors are problem details (RFC 9457) of one closed catalogue.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact()
    ),
    tags(
        (name = "predictions", description = "Classify texts; read, search and delete the stored predictions"),
        (name = "models", description = "List, load and unload models"),
        (name = "operations", description = "Health, metrics and the OpenAPI document")
    ),
    paths(
        prediction::create,
        prediction::list,
        prediction::get,
        prediction::delete,
        batch::create,
        stream::create,
        model::list,
        model::load,
        model::unload,
        health::report,
        health::live,
        health::ready,
        metrics::render,
        docs::document
    ),
    components(schemas(ProblemView, StreamLine, StreamEnd))
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
    close::<PredictionInput>(&mut document);
    close::<BatchInput>(&mut document);
    close::<BatchItemInput>(&mut document);
    close::<OptionsInput>(&mut document);
    close::<ModelInput>(&mut document);
    limit_text::<PredictionInput>(&mut document, settings.max_text_chars);
    limit_text::<BatchItemInput>(&mut document, settings.max_text_chars);
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// Tells that the schema of `T` has no other members than its own.
fn close<T: utoipa::ToSchema>(document: &mut utoipa::openapi::OpenApi) {
    if let Some(object) = object_mut(document, &T::name()) {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

fn limit_text<T: utoipa::ToSchema>(document: &mut utoipa::openapi::OpenApi, max_chars: usize) {
    let input = object_mut(document, &T::name());
    if let Some(RefOr::T(Schema::Object(text))) = input.and_then(|input| input.properties.get_mut("text")) {
        text.max_length = Some(max_chars);
    }
}

fn object_mut<'a>(
    document: &'a mut utoipa::openapi::OpenApi,
    name: &str,
) -> Option<&'a mut utoipa::openapi::Object> {
    match document.components.as_mut()?.schemas.get_mut(name)? {
        RefOr::T(Schema::Object(object)) => Some(object),
        _ => None,
    }
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

//! The API's description in OpenAPI 3.1: the controllers' attributes and the wire types' schemas (`document`), and the
//! problems of each operation from the catalog (`problems`), and the headers of each (`headers`).

mod document;
mod headers;
mod parameters;
mod problems;
pub(crate) mod schemas;
mod security;

pub(crate) use document::document_for;
pub use document::openapi;
pub(crate) use parameters::{
    AuditParameters, BreakdownParameters, EventParameters, ExportParameters, ListParameters, PathId,
    PathKeyId, PathModelName, TermsParameters, TrendsParameters,
};

use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;

/// An error, as RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemView {
    /// The kind of problem: `urn:undertone:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:undertone:problem:[a-z_]+$", example = "urn:undertone:problem:blank")]
    pub(crate) type_urn: String,
    /// The kind of problem, for people.
    #[schema(example = "Blank")]
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub(crate) status: u16,
    /// This occurrence of the problem, for people.
    #[schema(example = "text must not be blank")]
    pub(crate) detail: String,
    /// The kind of problem, for programs: one of the problem catalog.
    #[schema(schema_with = schemas::problem_code)]
    pub(crate) code: &'static str,
    /// The member, parameter or path segment at fault, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "text")]
    pub(crate) field: Option<String>,
    /// The request's id, as in the `X-Request-ID` header and in the log.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,128}$", example = "01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11")]
    pub(crate) request_id: String,
}

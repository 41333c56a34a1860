use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use application::action::ActionFailure;

use crate::problem::{ProblemCode, ProblemView};
use crate::request_id::RequestId;
use crate::state::ApiState;

/// The media type of a problem's body.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The most characters of a field's name that a problem repeats: the name may come from the client.
const MAX_FIELD_CHARS: usize = 128;

/// One error, in words that are safe to show to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    code: ProblemCode,
    detail: Cow<'static, str>,
    field: Option<String>,
    allow: Option<String>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// Creates the problem `code` with the catalog's description as its detail.
    pub(crate) fn new(code: ProblemCode) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.entry().meaning),
            field: None,
            allow: None,
            retry_after: None,
        }
    }

    /// Sets the description of this occurrence, which must be safe to show.
    pub(crate) fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Sets the field at fault: a path such as `items` or `metadata.source`, or a parameter's name.
    pub(crate) fn field(self, field: &str) -> Self {
        Self { field: Some(shown(field)), ..self }
    }

    /// Sets the field at fault, and the detail to the field's name followed by `wrong`.
    pub(crate) fn about(self, field: &str, wrong: &str) -> Self {
        let detail = format!("{} {wrong}", shown(field));
        self.field(field).detail(detail)
    }

    /// Sets the `Allow` header: the methods that the resource has.
    pub(crate) fn allow(self, methods: String) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// Sets the `Retry-After` header, in whole seconds, rounded up, at least one.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(crate) fn code(&self) -> ProblemCode {
        self.code
    }

    /// Returns the problem's body in the response to `request_id`.
    pub(crate) fn view(&self, request_id: &str) -> ProblemView {
        let entry = self.code.entry();
        ProblemView {
            type_urn: self.code.urn(),
            title: entry.title,
            status: entry.status,
            detail: self.detail.clone().into_owned(),
            code: entry.code,
            field: self.field.clone(),
            request_id: request_id.to_owned(),
        }
    }

    /// Returns the problem as the response to `request`.
    pub(crate) fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.code.status());
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        if let Some(methods) = &self.allow {
            response.insert_header((ALLOW, methods.as_str()));
        }
        if self.code == ProblemCode::Unauthenticated {
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"undertone\""));
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((RETRY_AFTER, seconds.max(1)));
        }
        if self.code.is_temporary()
            && let Some(state) = request.app_data::<Data<ApiState>>()
        {
            response.insert_header((RETRY_AFTER, state.settings.retry_after_s));
        }
        response.json(self.view(&RequestId::of(request)))
    }
}

/// Returns a field's name, cut to [`MAX_FIELD_CHARS`].
fn shown(field: &str) -> String {
    match field.char_indices().nth(MAX_FIELD_CHARS) {
        Some((end, _)) => format!("{}…", &field[..end]),
        None => field.to_owned(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.detail)
    }
}

impl Error for Problem {}

impl ActionFailure for Problem {
    fn code(&self) -> &'static str {
        self.code.entry().code
    }

    /// Always false: the use case has logged a fault of the server already, with its causes.
    fn is_server_fault(&self) -> bool {
        false
    }
}

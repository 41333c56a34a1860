use actix_web::http::StatusCode;

/// The kinds of problems: a closed catalog, stable on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`entry` has each variant's meaning, from which the catalog is generated")]
pub enum ProblemCode {
    MalformedJson,
    MalformedQuery,
    IncompleteBody,
    CorsRefused,
    DefaultModel,
    Unauthenticated,
    TurnedOff,
    Forbidden,
    TenantDisabled,
    NotFound,
    UnknownRoute,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    IdempotencyInProgress,
    Gone,
    BodyTooLarge,
    UnsupportedMediaType,
    MisdirectedRequest,
    UnknownField,
    MissingField,
    WrongType,
    UnknownParameter,
    RepeatedParameter,
    Blank,
    TooLong,
    ContainsNul,
    NotPrintable,
    TooMany,
    TooLarge,
    OutOfRange,
    Malformed,
    NotOneOf,
    NoTerms,
    TooManyTokens,
    TooManySentences,
    TooMuch,
    Contradictory,
    UnknownModel,
    NotLoadable,
    WrongState,
    IdempotencyKeyReused,
    RateLimited,
    TooManyConcurrent,
    QuotaExceeded,
    InferenceFailed,
    Internal,
    Saturated,
    DeadlineExceeded,
    Unavailable,
}

/// The catalog's entry for a kind of problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// The name for programs.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The name for people.
    pub(crate) title: &'static str,
    /// When it occurs, in words that are safe to show to a client.
    pub(crate) meaning: &'static str,
}

impl ProblemCode {
    /// Every kind, ordered by status.
    pub const ALL: [Self; 50] = [
        Self::MalformedJson,
        Self::MalformedQuery,
        Self::IncompleteBody,
        Self::CorsRefused,
        Self::DefaultModel,
        Self::Unauthenticated,
        Self::TurnedOff,
        Self::Forbidden,
        Self::TenantDisabled,
        Self::NotFound,
        Self::UnknownRoute,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
        Self::IdempotencyInProgress,
        Self::Gone,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::MisdirectedRequest,
        Self::UnknownField,
        Self::MissingField,
        Self::WrongType,
        Self::UnknownParameter,
        Self::RepeatedParameter,
        Self::Blank,
        Self::TooLong,
        Self::ContainsNul,
        Self::NotPrintable,
        Self::TooMany,
        Self::TooLarge,
        Self::OutOfRange,
        Self::Malformed,
        Self::NotOneOf,
        Self::NoTerms,
        Self::TooManyTokens,
        Self::TooManySentences,
        Self::TooMuch,
        Self::Contradictory,
        Self::UnknownModel,
        Self::NotLoadable,
        Self::WrongState,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::TooManyConcurrent,
        Self::QuotaExceeded,
        Self::InferenceFailed,
        Self::Internal,
        Self::Saturated,
        Self::DeadlineExceeded,
        Self::Unavailable,
    ];

    /// Returns the name for programs, such as `too_long`.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// Returns the HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the problem's `type`.
    pub(crate) fn urn(self) -> String {
        format!("urn:undertone:problem:{}", self.entry().code)
    }

    /// Returns the kind of this name for programs.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.code() == code)
    }

    /// Whether the same request may succeed a little later.
    pub(crate) fn is_temporary(self) -> bool {
        self.entry().status == 503
    }

    /// Whether a response with this problem has `Retry-After`.
    pub(crate) fn has_retry_after(self) -> bool {
        self.is_temporary() || self.entry().status == 429 || self == Self::IdempotencyInProgress
    }

    /// Returns the catalog's entry.
    #[expect(clippy::too_many_lines, reason = "one table is easiest to read in one piece")]
    pub(crate) const fn entry(self) -> Entry {
        let (code, status, title, meaning) = match self {
            Self::MalformedJson => (
                "malformed_json",
                400,
                "Malformed JSON",
                "The body, or a line of a stream, is not valid JSON: a syntax error, invalid UTF-8, a lone surrogate, \
                 or nesting that is too deep.",
            ),
            Self::MalformedQuery => (
                "malformed_query",
                400,
                "Malformed query",
                "The query string has invalid percent-encoding or is not UTF-8.",
            ),
            Self::IncompleteBody => (
                "incomplete_body",
                400,
                "Incomplete body",
                "The body ended early, or its transfer encoding is invalid.",
            ),
            Self::CorsRefused => (
                "cors_refused",
                400,
                "Cross-origin request refused",
                "The preflight asks for an origin, a method or a header that the configuration does not allow.",
            ),
            Self::DefaultModel => (
                "default_model",
                400,
                "Default model",
                "The default model serves requests that name no model, and cannot be unloaded.",
            ),
            Self::TurnedOff => (
                "turned_off",
                403,
                "Turned off",
                "The configuration does not allow this; the detail names the setting that does.",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                401,
                "Not authenticated",
                "The request has no API key or token that is valid.",
            ),
            Self::Forbidden => {
                ("forbidden", 403, "Forbidden", "The API key or token lacks the scope that the detail names.")
            }
            Self::TenantDisabled => (
                "tenant_disabled",
                403,
                "Tenant disabled",
                "The tenant of the API key or token is disabled; nothing of it was changed.",
            ),
            Self::NotFound => (
                "not_found",
                404,
                "Not found",
                "There is no prediction of this id, or no model of this name.",
            ),
            Self::UnknownRoute => ("unknown_route", 404, "Unknown route", "The path does not exist."),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                405,
                "Method not allowed",
                "The path does not have this method; the Allow header lists the methods that it has.",
            ),
            Self::RequestTimeout => (
                "request_timeout",
                408,
                "Request timeout",
                "The body did not arrive in time. Nothing was stored; the connection is closed after this response.",
            ),
            Self::Conflict => (
                "conflict",
                409,
                "Conflict",
                "Another request is changing the same prediction or model, or has claimed the idempotency key since; \
                 nothing was written.",
            ),
            Self::IdempotencyInProgress => (
                "idempotency_in_progress",
                409,
                "Request in progress",
                "Another request with the same idempotency key is in progress. Try again after the time in \
                 Retry-After: the response is then that of the other request.",
            ),
            Self::Gone => (
                "gone",
                410,
                "Gone",
                "The request was answered before, and its prediction was deleted since.",
            ),
            Self::BodyTooLarge => (
                "body_too_large",
                413,
                "Body too large",
                "The body, or a line of a stream, has more bytes than the route accepts.",
            ),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                415,
                "Unsupported media type",
                "The body's Content-Type is missing or not the one of the route, or the body is compressed.",
            ),
            Self::MisdirectedRequest => (
                "misdirected_request",
                421,
                "Misdirected request",
                "The request is for a host that is not allowed; server.allowed_hosts lists the allowed hosts.",
            ),
            Self::UnknownField => {
                ("unknown_field", 422, "Unknown field", "The object has a member that is not defined.")
            }
            Self::MissingField => ("missing_field", 422, "Missing field", "A required member is missing."),
            Self::WrongType => ("wrong_type", 422, "Wrong type", "The value has the wrong JSON type."),
            Self::UnknownParameter => (
                "unknown_parameter",
                422,
                "Unknown parameter",
                "The route does not have this query parameter.",
            ),
            Self::RepeatedParameter => (
                "repeated_parameter",
                422,
                "Repeated parameter",
                "A query parameter is given more than once.",
            ),
            Self::Blank => ("blank", 422, "Blank", "The value is empty or consists of white space."),
            Self::TooLong => ("too_long", 422, "Too long", "The value has more characters than allowed."),
            Self::ContainsNul => {
                ("contains_nul", 422, "Contains NUL", "The value contains the character U+0000.")
            }
            Self::NotPrintable => (
                "not_printable",
                422,
                "Not printable",
                "The value contains control characters, or white space other than the space.",
            ),
            Self::TooMany => ("too_many", 422, "Too many", "There are more entries than allowed."),
            Self::TooLarge => ("too_large", 422, "Too large", "The value has more bytes than allowed."),
            Self::OutOfRange => {
                ("out_of_range", 422, "Out of range", "The number is too small or too large.")
            }
            Self::Malformed => ("malformed", 422, "Malformed", "The value does not have the required form."),
            Self::NotOneOf => ("not_one_of", 422, "Not one of", "The value is not one of the allowed words."),
            Self::NoTerms => ("no_terms", 422, "No terms", "The search query contains no letter or digit."),
            Self::TooManyTokens => (
                "too_many_tokens",
                422,
                "Too many tokens",
                "The text has more tokens than max_tokens, and overflow is reject.",
            ),
            Self::TooManySentences => (
                "too_many_sentences",
                422,
                "Too many sentences",
                "The text, or the items of a batch together, have more sentences than can be classified one by one.",
            ),
            Self::TooMuch => (
                "too_much",
                422,
                "Too much to read",
                "The range of time has more rows than one request may read; a shorter one has fewer.",
            ),
            Self::Contradictory => (
                "contradictory",
                422,
                "Contradictory",
                "The value is allowed by itself, but not in combination with the other options.",
            ),
            Self::UnknownModel => (
                "unknown_model",
                422,
                "Unknown model",
                "No model of this name is served; GET /api/v1/models lists the served models.",
            ),
            Self::NotLoadable => (
                "not_loadable",
                422,
                "Not loadable",
                "The model cannot be loaded; the detail says which value is at fault, why, and what to do. The served \
                 models are unchanged.",
            ),
            Self::WrongState => (
                "wrong_state",
                422,
                "Wrong state",
                "What the field names is not in the state that the change needs.",
            ),
            Self::IdempotencyKeyReused => (
                "idempotency_key_reused",
                422,
                "Idempotency key reused",
                "The idempotency key was sent with another request before: another route or another body.",
            ),
            Self::RateLimited => (
                "rate_limited",
                429,
                "Too many requests",
                "The tenant's or the caller's rate of requests or texts is used up, or too many failed attempts to \
                 authenticate came from this address. Try again after the time in Retry-After.",
            ),
            Self::TooManyConcurrent => (
                "too_many_concurrent",
                429,
                "Too many concurrent requests",
                "The tenant or the caller has as many requests in progress as it may have. Try again when one of them \
                 has ended.",
            ),
            Self::QuotaExceeded => (
                "quota_exceeded",
                429,
                "Quota exceeded",
                "The tenant's or the caller's texts of this day (UTC) are used up. Nothing was stored. The next day \
                 begins after the time in Retry-After.",
            ),
            Self::InferenceFailed => (
                "inference_failed",
                500,
                "Inference failed",
                "The model computed no valid numbers for this text. Nothing was stored.",
            ),
            Self::Internal => (
                "internal",
                500,
                "Internal error",
                "A fault of the service itself; the same request may fail again. The log has the cause under the \
                 request's id.",
            ),
            Self::Saturated => (
                "saturated",
                503,
                "Saturated",
                "The model's queue or the memory for bodies is full, or two analyses are in progress. Try again after \
                 the time in Retry-After.",
            ),
            Self::DeadlineExceeded => (
                "deadline_exceeded",
                503,
                "Deadline exceeded",
                "The request was not answered within its time, and nothing was stored. Try again after the time in \
                 Retry-After.",
            ),
            Self::Unavailable => (
                "unavailable",
                503,
                "Unavailable",
                "The service is temporarily unavailable. Try again after the time in Retry-After.",
            ),
        };
        Entry { code, status, title, meaning }
    }
}

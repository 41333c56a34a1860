use actix_web::http::StatusCode;

/// The kinds of problems: a closed list, stable on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each variant's meaning stands in `entry`, from which the catalogue is written"
)]
pub enum ProblemCode {
    MalformedJson,
    MalformedQuery,
    IncompleteBody,
    CorsRefused,
    DefaultModel,
    TurnedOff,
    NotFound,
    UnknownRoute,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
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
    Contradictory,
    UnknownModel,
    NotLoadable,
    InferenceFailed,
    Internal,
    Saturated,
    DeadlineExceeded,
    Unavailable,
}

/// What the catalogue says about a kind of problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// The name for programs.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The name for people.
    pub(crate) title: &'static str,
    /// When it occurs, in words that are safe to show.
    pub(crate) meaning: &'static str,
}

impl ProblemCode {
    /// Every kind, by status.
    pub const ALL: [Self; 39] = [
        Self::MalformedJson,
        Self::MalformedQuery,
        Self::IncompleteBody,
        Self::CorsRefused,
        Self::DefaultModel,
        Self::TurnedOff,
        Self::NotFound,
        Self::UnknownRoute,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
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
        Self::Contradictory,
        Self::UnknownModel,
        Self::NotLoadable,
        Self::InferenceFailed,
        Self::Internal,
        Self::Saturated,
        Self::DeadlineExceeded,
        Self::Unavailable,
    ];

    /// The name for programs, such as `too_long`.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The problem's `type`.
    pub(crate) fn urn(self) -> String {
        format!("urn:undertone:problem:{}", self.entry().code)
    }

    /// Whether the same request may well succeed a little later.
    pub(crate) fn is_temporary(self) -> bool {
        self.entry().status == 503
    }

    /// What the catalogue says.
    #[expect(clippy::too_many_lines, reason = "one table, a line or two an entry, is read best in one piece")]
    pub(crate) const fn entry(self) -> Entry {
        let (code, status, title, meaning) = match self {
            Self::MalformedJson => (
                "malformed_json",
                400,
                "Malformed JSON",
                "The body, or a line of a stream, is not JSON: wrong syntax, not UTF-8, a lone surrogate, or \
                 nested too deeply.",
            ),
            Self::MalformedQuery => (
                "malformed_query",
                400,
                "Malformed query",
                "The query string's percent-encoding cannot be read, or does not give UTF-8.",
            ),
            Self::IncompleteBody => (
                "incomplete_body",
                400,
                "Incomplete body",
                "The body broke off, or its transfer encoding cannot be read.",
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
                "The default model answers whoever names none, and cannot be unloaded.",
            ),
            Self::TurnedOff => (
                "turned_off",
                403,
                "Turned off",
                "The configuration does not allow it; the detail names the setting that would.",
            ),
            Self::NotFound => ("not_found", 404, "Not found", "There is nothing of this id."),
            Self::UnknownRoute => ("unknown_route", 404, "Unknown route", "There is nothing at this path."),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                405,
                "Method not allowed",
                "The resource does not have this method; the Allow header lists those it has.",
            ),
            Self::RequestTimeout => (
                "request_timeout",
                408,
                "Request timeout",
                "The body did not arrive in time. Nothing was stored; the connection ends with this response.",
            ),
            Self::Conflict => (
                "conflict",
                409,
                "Conflict",
                "Something else happened to the same thing at the same time; nothing was written.",
            ),
            Self::BodyTooLarge => (
                "body_too_large",
                413,
                "Body too large",
                "The body, or a line of a stream, has more bytes than the route takes.",
            ),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                415,
                "Unsupported media type",
                "The body's Content-Type is missing or not the route's, or the body is compressed.",
            ),
            Self::MisdirectedRequest => (
                "misdirected_request",
                421,
                "Misdirected request",
                "The request is for a host that is not this service's; server.allowed_hosts lists those that are.",
            ),
            Self::UnknownField => ("unknown_field", 422, "Unknown field", "The object has no such member."),
            Self::MissingField => ("missing_field", 422, "Missing field", "The object lacks a member."),
            Self::WrongType => ("wrong_type", 422, "Wrong type", "The value is of the wrong JSON type."),
            Self::UnknownParameter => {
                ("unknown_parameter", 422, "Unknown parameter", "The route has no such query parameter.")
            }
            Self::RepeatedParameter => {
                ("repeated_parameter", 422, "Repeated parameter", "A query parameter stands there twice.")
            }
            Self::Blank => ("blank", 422, "Blank", "The value is empty, or white space only."),
            Self::TooLong => ("too_long", 422, "Too long", "The value has more characters than allowed."),
            Self::ContainsNul => {
                ("contains_nul", 422, "Contains NUL", "The value holds the character U+0000.")
            }
            Self::NotPrintable => (
                "not_printable",
                422,
                "Not printable",
                "The value holds control characters, or white space other than the space.",
            ),
            Self::TooMany => ("too_many", 422, "Too many", "There are more entries than allowed."),
            Self::TooLarge => ("too_large", 422, "Too large", "The value has more bytes than allowed."),
            Self::OutOfRange => ("out_of_range", 422, "Out of range", "The number is too low or too high."),
            Self::Malformed => {
                ("malformed", 422, "Malformed", "The value does not have the form of what it should be.")
            }
            Self::NotOneOf => ("not_one_of", 422, "Not one of", "The value is none of the allowed words."),
            Self::NoTerms => {
                ("no_terms", 422, "No terms", "The query holds no letter or digit to search for.")
            }
            Self::TooManyTokens => (
                "too_many_tokens",
                422,
                "Too many tokens",
                "The text has more tokens than the request allows, and was to be refused then.",
            ),
            Self::TooManySentences => (
                "too_many_sentences",
                422,
                "Too many sentences",
                "The text, or the items of a batch together, have more sentences than are judged one by one.",
            ),
            Self::Contradictory => (
                "contradictory",
                422,
                "Contradictory",
                "The value is allowed by itself, but not beside what else is asked for.",
            ),
            Self::UnknownModel => (
                "unknown_model",
                422,
                "Unknown model",
                "No model of this name is served; GET /api/v1/models tells those that are.",
            ),
            Self::NotLoadable => (
                "not_loadable",
                422,
                "Not loadable",
                "The model cannot be loaded; the detail says what is wrong with which value, and what to do. Those \
                 that were served are served on.",
            ),
            Self::InferenceFailed => (
                "inference_failed",
                500,
                "Inference failed",
                "The model gave no usable numbers for this text. Nothing was kept.",
            ),
            Self::Internal => (
                "internal",
                500,
                "Internal error",
                "A fault of the service itself, which the same request may well meet again. The log says more under \
                 the request's id.",
            ),
            Self::Saturated => (
                "saturated",
                503,
                "Saturated",
                "More work is waiting, or more memory is taken by bodies, than the service takes on. Try again after \
                 the time in Retry-After.",
            ),
            Self::DeadlineExceeded => (
                "deadline_exceeded",
                503,
                "Deadline exceeded",
                "The answer would have come too late. Try again after the time in Retry-After.",
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

//! Errors as RFC 9457 problem details: one closed catalogue (`code`), and one exhaustive match from the use cases'
//! error to it (`from_application`). The cause of an error never reaches a response body.

mod catalogue;
mod code;
mod details;
mod from_application;
mod view;

pub use catalogue::problem_catalogue_markdown;
pub use code::ProblemCode;
pub(crate) use details::{PROBLEM_JSON, Problem};
pub(crate) use view::ProblemView;

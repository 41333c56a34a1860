//! Errors as RFC 9457 problem details: one closed catalog (`code`), and one exhaustive match from the use cases'
//! error to it (`from_application`). The cause of an error never reaches a response body.

mod catalog;
mod code;
mod details;
mod from_application;
mod view;

pub use catalog::problem_catalog_markdown;
pub use code::ProblemCode;
pub(crate) use details::{PROBLEM_JSON, Problem};
pub(crate) use view::ProblemView;

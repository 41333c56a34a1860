use std::fmt::Write;

use crate::problem::ProblemCode;

/// Returns the catalog of problems as a page of Markdown, for the documentation.
pub fn problem_catalog_markdown() -> String {
    let mut page = String::from(
        "# Problems\n\n\
         Every error is `application/problem+json` (RFC 9457) with the members `type` \
         (`urn:undertone:problem:<code>`), `title`, `status`, `detail`, `code`, `request_id` and, where one \
         field is at fault, `field`.\nThe problem of an item of a batch or of a line of a stream has the same \
         form.\nA 503, a 429 and `idempotency_in_progress` carry `Retry-After`.\n\n\
         | Status | Code | Title | When |\n|---|---|---|---|\n",
    );
    for problem in ProblemCode::ALL {
        let entry = problem.entry();
        // Writing to a string cannot fail.
        let _ =
            writeln!(page, "| {} | `{}` | {} | {} |", entry.status, entry.code, entry.title, entry.meaning);
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_sorted_by_status() {
        let codes: HashSet<_> = ProblemCode::ALL.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        assert!(ProblemCode::ALL.is_sorted_by_key(|problem| problem.entry().status));
    }

    #[test]
    fn a_500_is_a_failed_inference_or_a_bug_and_never_temporary() {
        let internal: Vec<_> =
            ProblemCode::ALL.into_iter().filter(|code| code.entry().status == 500).collect();
        assert_eq!(internal, [ProblemCode::InferenceFailed, ProblemCode::Internal]);
        assert!(internal.iter().all(|code| !code.is_temporary()));
    }

    #[test]
    fn the_page_has_a_row_for_every_code() {
        let page = problem_catalog_markdown();
        for problem in ProblemCode::ALL {
            assert!(page.contains(&format!("| {} | `{}` |", problem.entry().status, problem.code())));
        }
        assert!(page.ends_with("|\n"));
    }
}

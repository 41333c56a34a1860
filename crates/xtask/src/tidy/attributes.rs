use anyhow::Context;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source::Source;

/// Attributes that hide a fault, with what to do instead.
const REFUSED: [(&str, &str); 3] = [
    ("ignore", "make the test run, or delete it"),
    ("should_panic", "it accepts any panic: check the outcome instead"),
    ("allow", "write #[expect(…, reason = \"…\")], which fails once it is not needed"),
];

/// Returns a line for each attribute that hides a fault, and for each example in docs that is not run.
///
/// The tokens are read instead of the syntax tree, which does not reach into macros.
pub(super) fn faults(source: &Source) -> anyhow::Result<Vec<String>> {
    let tokens: TokenStream =
        source.text.parse().ok().with_context(|| format!("cannot parse {}", source.file))?;
    let mut faults = Vec::new();
    visit(tokens, &mut |attribute| faults.extend(fault(source, attribute)));
    Ok(faults)
}

/// Calls `each` with what every attribute has between its brackets.
fn visit(tokens: TokenStream, each: &mut impl FnMut(TokenStream)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                tokens.next_if(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '!'));
                let is_attribute = |token: &TokenTree| match token {
                    TokenTree::Group(group) => group.delimiter() == Delimiter::Bracket,
                    _ => false,
                };
                if let Some(TokenTree::Group(attribute)) = tokens.next_if(is_attribute) {
                    each(attribute.stream());
                }
            }
            TokenTree::Group(group) => visit(group.stream(), each),
            _ => {}
        }
    }
}

fn fault(source: &Source, attribute: TokenStream) -> Option<String> {
    let mut tokens = attribute.into_iter();
    let TokenTree::Ident(name) = tokens.next()? else { return None };
    let mut names = vec![name.to_string()];
    let place = source.place(name.span());
    match names[0].as_str() {
        "doc" if tokens.any(|token| token.to_string().contains("```ignore")) => {
            return Some(format!("{place}: an example that is not tested: remove `ignore`"));
        }
        "cfg_attr" => names = tokens.flat_map(names_in).collect(),
        _ => {}
    }
    let (name, advice) = REFUSED.iter().find(|(refused, _)| names.iter().any(|name| name == refused))?;
    Some(format!("{place}: #[{name}]: {advice}"))
}

/// Returns the names inside a token's brackets.
fn names_in(token: TokenTree) -> Vec<String> {
    let TokenTree::Group(group) = token else { return Vec::new() };
    group
        .stream()
        .into_iter()
        .filter(|token| matches!(token, TokenTree::Ident(_)))
        .map(|name| name.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        faults(&Source::parse("crates/domain/src/a.rs", text).unwrap()).unwrap()
    }

    #[test]
    fn skipped_tests_expected_panics_and_allowed_lints_are_faults() {
        for text in [
            "#[test]\n#[ignore]\nfn f() {}",
            "\n#[ignore = \"slow\"]\nfn f() {}",
            "\n#[should_panic(expected = \"x\")]\nfn f() {}",
            "\n#![allow(dead_code)]",
            "\n#[cfg_attr(test, allow(clippy::unwrap_used))]\nfn f() {}",
            "\n#[ cfg_attr(not(unix), ignore) ]\nfn f() {}",
            "cases! {\n    #[ignore]\n    fn f() {}\n}",
            "\n//! ```ignore",
        ] {
            let faults = faults_of(text);
            assert_eq!(faults.len(), 1, "{text}");
            assert!(faults[0].starts_with("crates/domain/src/a.rs:2: "), "{}", faults[0]);
        }
    }

    #[test]
    fn names_in_comments_strings_and_other_attributes_pass() {
        for text in [
            "// #[ignore]\nconst X: &str = \"#[allow(x)]\";",
            "#[expect(dead_code, reason = \"allow\")]\nfn f() {}",
            "#[serde(rename_all = \"snake_case\")]\n#[arg(ignore_case = true)]\nstruct S;",
            "fn f() { allow(x); ignore[0]; m!(a # b); }",
        ] {
            assert_eq!(faults_of(text), Vec::<String>::new(), "{text}");
        }
    }
}

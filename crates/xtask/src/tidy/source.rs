/// A Rust source, with and without what is not code.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path from the root, with `/`.
    pub(super) file: String,
    /// All of it.
    pub(super) text: String,
    /// The same length byte for byte, with spaces in place of comments and of what stands in quotes.
    pub(super) code: String,
}

impl Source {
    /// The source `text` of `file`.
    pub(super) fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { file: file.into(), code: without_comments_and_literals(&text), text }
    }

    /// The file's name without its extension.
    pub(super) fn stem(&self) -> &str {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name)
    }

    /// The line, counted from 1, of a byte offset.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.code.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }

    /// The offset behind the bracket that closes the one at `open`.
    pub(super) fn closing(&self, open: usize, brackets: (u8, u8)) -> usize {
        let mut depth = 0_usize;
        for (offset, byte) in self.code.bytes().enumerate().skip(open) {
            if byte == brackets.0 {
                depth += 1;
            } else if byte == brackets.1 {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return offset + 1;
                }
            }
        }
        self.code.len()
    }
}

fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let (code_end, end) = next_piece(text, at);
        code.push_str(&text[at..code_end]);
        code.extend(bytes[code_end..end].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// From `at`: where code ends and where the comment or literal that follows it ends. A literal keeps its first quote.
fn next_piece(text: &str, at: usize) -> (usize, usize) {
    let rest = &text[at..];
    let first = rest.chars().next().map_or(1, char::len_utf8);
    if rest.starts_with("//") {
        (at, at + rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (at, at + block_comment(rest))
    } else if rest.starts_with('"') {
        (at + 1, at + quoted(rest, '"'))
    } else if rest.starts_with('\'') && is_character(rest) {
        (at + 1, at + quoted(rest, '\''))
    } else if let Some(length) = raw_string(text, at) {
        (at + 1, at + length)
    } else {
        (at + first, at + first)
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal with both its quotes; escapes are stepped over.
fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return offset + 1;
        }
    }
    rest.len()
}

/// Whether a quote opens a character rather than a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}

/// The length of the raw string that begins at `at`, if one does.
fn raw_string(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix('r')?;
    let within_a_name =
        text[..at].chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_');
    let is_byte_or_c = text[..at].ends_with(['b', 'c']);
    if within_a_name && !is_byte_or_c {
        return None;
    }
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opening = 1 + hashes + 1;
    Some(opening + body.find(&end).map_or(body.len(), |found| found + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let source = Source::new("a.rs", text);
        assert_eq!(source.code.len(), text.len(), "{text}");
        source.code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(code("a /* b /* c */ d */ e // f\ng"), "a e g");
        assert_eq!(code(r#"f("a \" b", 'c', '\'', b"d") + x"#), r#"f(" , ' , ' , b" ) + x"#);
        assert_eq!(code(r##"f(r#"a "b" c"#); g(r"d")"##), "f(r ); g(r )");
        assert_eq!(code("fn f<'a>(x: &'a str) -> &'a str { x }"), "fn f<'a>(x: &'a str) -> &'a str { x }");
        assert_eq!(code("let bar = \"é → ü\"; y"), "let bar = \" ; y");
    }

    #[test]
    fn a_bracket_in_a_literal_closes_nothing() {
        let source = Source::new("a.rs", "fn f() { g(\"}\"); } fn h() {}");
        assert_eq!(&source.text[7..source.closing(7, (b'{', b'}'))], "{ g(\"}\"); }");
    }

    #[test]
    fn lines_are_counted_from_one() {
        let source = Source::new("a.rs", "a\nb\nc");
        assert_eq!((source.line_of(0), source.line_of(2), source.line_of(4)), (1, 2, 3));
    }
}

use std::io::Cursor;

use anyhow::Context;

/// Returns a script without its comments on lines of their own, its comments of types, its indentation and its empty
/// lines. What stands in strings is not changed, apart from the indentation of lines within a template, which has no
/// meaning in HTML.
pub(super) fn packed_script(text: &str) -> String {
    let mut packed = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines() {
        let line = line.trim_start();
        let begins = !in_comment && line.starts_with("/**") && !is_type(line);
        if in_comment || begins {
            in_comment = !line.trim_end().ends_with("*/");
        } else if !line.starts_with("//") {
            push_line(&mut packed, &without_types(line));
        }
    }
    packed
}

/// Returns a style sheet without its comments, its indentation and its empty lines.
pub(super) fn packed_style(text: &str) -> String {
    let mut packed = String::with_capacity(text.len());
    for line in without(text, "/*", "*/").lines() {
        push_line(&mut packed, line.trim_start());
    }
    packed
}

/// Compresses with Brotli at its best: as long as nothing but the content changes, so do the bytes.
pub(super) fn compressed(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut Cursor::new(content), &mut compressed, &parameters)
        .context("cannot compress")?;
    Ok(compressed)
}

/// The start of a comment that gives an expression its type.
const TYPE: &str = "/** @type ";

/// Whether code follows a comment of a type in this line.
fn is_type(line: &str) -> bool {
    line.starts_with(TYPE) && !line.trim_end().ends_with("*/")
}

fn without_types(line: &str) -> String {
    without(line, TYPE, "*/")
}

/// Returns `text` without each part from `begin` to the next `end`.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut rest = text;
    let mut left = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once(begin) {
        left.push_str(before);
        rest = after.split_once(end).map_or("", |(_, after)| after);
    }
    left.push_str(rest);
    left
}

fn push_line(packed: &mut String, line: &str) {
    let line = line.trim_end();
    if !line.is_empty() {
        packed.push_str(line);
        packed.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_loses_its_comments_and_indentation_and_nothing_else() {
        let script = "\
// What it is for.

/**
 * Returns `a`.
 * @param {string} a
 */
function f(a) {
  /** One line. */
  const url = \"https://example.org\"; // stays
  /** @type {HTMLElement} */ (a).focus();
  const b = /** @type {string} */ (a);
  return html`<p>
    // ${b}
  </p>`;
}
";
        let packed = "\
function f(a) {
const url = \"https://example.org\"; // stays
 (a).focus();
const b =  (a);
return html`<p>
</p>`;
}
";
        assert_eq!(packed_script(script), packed);
    }

    #[test]
    fn a_style_sheet_loses_its_comments_and_indentation() {
        let style = "/* Of two\n   lines */\n.a {\n  color: red; /* why */\n}\n\n.b {\n}\n";
        assert_eq!(packed_style(style), ".a {\ncolor: red;\n}\n.b {\n}\n");
    }

    #[test]
    fn compression_is_repeatable_and_loses_nothing() -> anyhow::Result<()> {
        let content = b"the same words and the same words again".repeat(20);
        let first = compressed(&content)?;
        assert_eq!(first, compressed(&content)?);
        let mut restored = Vec::new();
        brotli::BrotliDecompress(&mut first.as_slice(), &mut restored)?;
        assert_eq!(restored, content);
        assert!(first.len() < content.len() / 4);
        Ok(())
    }
}

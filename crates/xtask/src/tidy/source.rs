use anyhow::Context;
use proc_macro2::Span;

/// A parsed Rust file.
pub(super) struct Source {
    /// The path from the workspace's root, with `/`.
    pub(super) file: String,
    pub(super) text: String,
    pub(super) syntax: syn::File,
}

impl Source {
    /// Parses `text`, the content of `file`.
    pub(super) fn parse(file: impl Into<String>, text: impl Into<String>) -> anyhow::Result<Self> {
        let (file, text) = (file.into(), text.into());
        let syntax = syn::parse_file(&text).with_context(|| format!("cannot parse {file}"))?;
        Ok(Self { file, text, syntax })
    }

    /// The file's name without its extension.
    pub(super) fn stem(&self) -> &str {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name)
    }

    /// `file:line` of a span, as terminals and editors link it.
    pub(super) fn place(&self, span: Span) -> String {
        format!("{}:{}", self.file, span.start().line)
    }
}

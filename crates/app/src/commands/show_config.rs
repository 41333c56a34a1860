use std::io::{self, Write};

use clap::Args;

use crate::config::{Settings, reference_markdown, write_effective};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Print the reference of every key instead, in Markdown
    #[arg(long)]
    pub(super) reference: bool,
}

/// Prints the settings in effect; secrets are blind.
pub(super) fn print_effective(settings: &Settings) -> anyhow::Result<()> {
    Ok(write_effective(settings, &mut io::stdout().lock())?)
}

/// Prints the reference page.
pub(super) fn print_reference() -> anyhow::Result<()> {
    Ok(io::stdout().write_all(reference_markdown().as_bytes())?)
}

use std::io::Write;

use clap::Args;

#[derive(Debug, Args)]
pub(super) struct OpenapiArgs {
    /// Print the catalogue of problems instead, in Markdown
    #[arg(long)]
    problems: bool,
}

/// Prints the OpenAPI document, or the problem catalogue.
pub(super) fn run(args: &OpenapiArgs) -> anyhow::Result<()> {
    let text = if args.problems { http_actix::problem_catalogue_markdown() } else { http_actix::openapi() };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

use clap::Args;

use crate::commands::print;
use crate::failure::Failure;
use crate::program::Program;

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// Print the catalog of problems instead, in Markdown
    #[arg(long)]
    problems: bool,
}

pub(super) fn run<P: Program>(args: &OpenapiArgs) -> Result<(), Failure> {
    print(&if args.problems { P::problem_catalog() } else { P::openapi() })
}

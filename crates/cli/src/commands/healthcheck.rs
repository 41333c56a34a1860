use clap::Args;

use crate::failure::Failure;
use crate::program::Program;

#[derive(Debug, Args)]
pub(crate) struct HealthcheckArgs {
    /// URL of the server [default: the configured address]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run<P: Program>(program: &P, args: &HealthcheckArgs) -> Result<(), Failure> {
    Ok(program.check_ready(args.url.as_deref()).await?)
}

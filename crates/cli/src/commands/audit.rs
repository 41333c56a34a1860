mod list;
mod verify;

use clap::{Args, Subcommand};

use crate::commands::administer::administer;
use crate::failure::Failure;
use crate::program::{Program, SchemaUse};

use self::list::ListArgs;
use self::verify::VerifyArgs;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List who changed what, the newest change first
    List(ListArgs),
    /// Check that no line was changed, removed or moved since it was written with audit.key: exit code 0 if none was,
    /// 1 with a line for each fault, 2 if it cannot be checked
    Verify(VerifyArgs),
}

pub(super) async fn run<P: Program>(program: &P, args: AuditArgs) -> Result<(), Failure> {
    administer(program, SchemaUse::Existing, async |administration| match args.action {
        Action::List(args) => list::run::<P>(administration, args).await,
        Action::Verify(args) => verify::run(administration, args).await,
    })
    .await
}

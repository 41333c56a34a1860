use std::path::PathBuf;

use clap::Args;

use crate::commands::print;
use crate::failure::Failure;
use crate::program::Program;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// File to write; it must not exist
    file: PathBuf,
}

pub(super) async fn run<P: Program>(program: &P, args: &BackupArgs) -> Result<(), Failure> {
    program.back_up(&args.file).await?;
    print(&format!("{}\n", args.file.display()))
}

use std::path::PathBuf;

use clap::Args;

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::Store;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write, which must not exist yet
    file: PathBuf,
}

/// Copies the SQLite database, which may be in use, into a file of its own.
pub(super) fn run(settings: &Settings, args: &BackupArgs) -> Result<(), Failure> {
    super::block_on(async {
        let store = Store::open_existing(&settings.store).await.map_err(Failure::set_up)?;
        let outcome = store.backup(&args.file).await;
        store.close().await;
        outcome?;
        println!("{}", args.file.display());
        Ok(())
    })
}

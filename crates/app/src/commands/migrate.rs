use clap::{Args, Subcommand};

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::Store;

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Direction {
    /// Apply every step that is missing
    Up,
    /// Take steps back, and what they kept with them
    Down {
        /// How many
        #[arg(default_value_t = 1)]
        steps: usize,
    },
    /// List the steps
    Status,
}

/// Brings the store's schema up or down.
pub(super) fn run(settings: &Settings, args: &MigrateArgs) -> Result<(), Failure> {
    super::block_on(async {
        let store = Store::open(&settings.store).await.map_err(Failure::set_up)?;
        let outcome = migrate(&store, args.direction).await;
        store.close().await;
        Ok(outcome?)
    })
}

async fn migrate(store: &Store, direction: Direction) -> anyhow::Result<()> {
    let migrator = store.migrator();
    match direction {
        Direction::Up => println!("{} applied", migrator.up().await?),
        Direction::Down { steps } => println!("{} taken back", migrator.down(steps).await?),
        Direction::Status => {
            for step in migrator.status().await? {
                let state = if step.applied { "applied" } else { "missing" };
                println!("{:04}  {state}  {}", step.version, step.description);
            }
        }
    }
    Ok(())
}

use application::ports::StepState;
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
        // Only the way up has something to do where nothing is yet.
        let store = match args.direction {
            Direction::Up => Store::open(&settings.store).await,
            Direction::Down { .. } | Direction::Status => Store::open_existing(&settings.store).await,
        };
        let store = store.map_err(Failure::set_up)?;
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
                println!("{:04}  {}  {}", step.version, word(step.state), step.description);
            }
        }
    }
    Ok(())
}

fn word(state: StepState) -> &'static str {
    match state {
        StepState::Missing => "missing",
        StepState::Applied => "applied",
        StepState::Altered => "altered",
        StepState::Unknown => "unknown",
    }
}

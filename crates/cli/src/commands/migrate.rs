use application::errors::BoxError;
use application::ports::{MigrationStep, SchemaMigrator, StepState};
use clap::{Args, Subcommand};

use crate::commands::print;
use crate::failure::Failure;
use crate::program::{Opened, Program, SchemaUse};

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Direction {
    /// Apply every migration that is missing; creates the SQLite database
    Up,
    /// Revert the latest migrations, with the tables, columns and data that they added
    Down {
        /// Number of migrations to revert
        #[arg(default_value_t = 1)]
        steps: usize,
    },
    /// List the migrations: applied, missing, altered (applied with other content) or unknown (of a newer release)
    Status,
}

pub(super) async fn run<P: Program>(program: &P, args: &MigrateArgs) -> Result<(), Failure> {
    let schema = match args.direction {
        Direction::Up => SchemaUse::Create,
        Direction::Down { .. } | Direction::Status => SchemaUse::Existing,
    };
    let Opened { part: migrator, close } = program.open_migrator(schema).await.map_err(Failure::set_up)?;
    let outcome = migrate(migrator.as_ref(), args.direction).await;
    drop(migrator);
    close.await;
    print(&outcome?)
}

/// Migrates, and returns what was done or found.
async fn migrate(migrator: &dyn SchemaMigrator, direction: Direction) -> Result<String, BoxError> {
    Ok(match direction {
        Direction::Up => format!("{} applied\n", migrator.up().await?),
        Direction::Down { steps } => format!("{} reverted\n", migrator.down(steps).await?),
        Direction::Status => {
            let line = |step: MigrationStep| {
                format!("{:04}  {}  {}\n", step.version, word(step.state), step.description)
            };
            migrator.status().await?.into_iter().map(line).collect()
        }
    })
}

fn word(state: StepState) -> &'static str {
    match state {
        StepState::Missing => "missing",
        StepState::Applied => "applied",
        StepState::Altered => "altered",
        StepState::Unknown => "unknown",
    }
}

use std::io::{self, IsTerminal};
use std::time::Duration;

use application::dtos::RebuildProgress;
use application::errors::ApplicationError;
use clap::{Args, Subcommand};
use domain::value_objects::TenantId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::administration::Administration;
use crate::commands::administer::{administer, counted, parse_tenant};
use crate::failure::Failure;
use crate::program::{Program, SchemaUse};

/// How often `--wait` looks at what is left.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many looks lie between two lines where there is no terminal: half a minute.
const LOOKS_A_LINE: u32 = 60;

#[derive(Debug, Args)]
pub(crate) struct AnalyticsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Have the counts of trends and breakdowns made again from the stored predictions
    ///
    /// The running service makes them, the latest first, while it answers requests; counts that are not made again yet
    /// stay as they are. Needed after a change of analytics.dimensions.
    Rebuild(RebuildArgs),
}

#[derive(Debug, Args)]
struct RebuildArgs {
    #[command(flatten)]
    whose: Whose,
    /// Wait until the running service has made them
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Name of the tenant
    #[arg(long, value_name = "NAME", value_parser = parse_tenant)]
    tenant: Option<TenantId>,
    /// Those of all tenants
    #[arg(long)]
    all: bool,
}

/// Why counts cannot be made again.
#[derive(Debug, thiserror::Error)]
enum RebuildError {
    #[error("there is no tenant {0}; `undertone tenants list` shows them all")]
    Missing(TenantId),
}

pub(super) async fn run<P: Program>(program: &P, args: AnalyticsArgs) -> Result<(), Failure> {
    let Action::Rebuild(args) = args.action;
    administer(program, SchemaUse::Existing, async |administration| rebuild(administration, args).await).await
}

async fn rebuild(administration: &Administration, args: RebuildArgs) -> Result<(), Failure> {
    let tenant = args.whose.tenant.as_ref();
    let marked = administration.rebuild_analytics.execute(tenant).await;
    let marked = marked.map_err(|error| explain(error, tenant))?;
    let histories = if marked == 1 { "history" } else { "histories" };
    eprintln!("the running service counts {marked} {histories} again");
    if args.wait { wait(administration, tenant).await } else { Ok(()) }
}

/// Says where the tenants are.
fn explain(error: ApplicationError, tenant: Option<&TenantId>) -> Failure {
    match (error, tenant) {
        (ApplicationError::NotFound { .. }, Some(tenant)) => RebuildError::Missing(tenant.clone()).into(),
        (error, _) => error.into(),
    }
}

/// Follows the progress to its end.
async fn wait(administration: &Administration, tenant: Option<&TenantId>) -> Result<(), Failure> {
    let mut progress = Progress::new();
    loop {
        let left = administration.rebuild_analytics.progress(tenant).await?;
        if left.ranges == 0 {
            break;
        }
        progress.report(left);
        (administration.sleep)(LOOK_EVERY).await;
    }
    progress.finish();
    eprintln!("counted");
    Ok(())
}

/// What is left, on standard error.
struct Progress {
    /// None without a terminal.
    bar: Option<ProgressBar>,
    looks: u32,
}

impl Progress {
    fn new() -> Self {
        let bar = || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            ProgressStyle::with_template("{wide_bar} {msg}")
                .map_or(bar.clone(), |style| bar.with_style(style))
        };
        Self { bar: io::stderr().is_terminal().then(bar), looks: 0 }
    }

    fn report(&mut self, left: RebuildProgress) {
        let message = format!("{} of 15 minutes left", counted(left.buckets, "bucket"));
        if let Some(bar) = &self.bar {
            // Meanwhile buckets may be added.
            let length = bar.length().unwrap_or_default().max(left.buckets);
            bar.set_length(length);
            bar.set_position(length - left.buckets);
            bar.set_message(message);
        } else if self.looks.is_multiple_of(LOOKS_A_LINE) {
            eprintln!("{message}");
        }
        self.looks += 1;
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

use std::io::{self, IsTerminal};
use std::time::Duration;

use application::dtos::EraseTenantRequest;
use application::errors::ApplicationError;
use clap::Args;
use domain::value_objects::TenantId;
use futures_util::future::BoxFuture;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::administration::Administration;
use crate::commands::administer::{actor, counted, parse_tenant};
use crate::failure::Failure;
use crate::times::parse_duration;

/// How many rows are removed between two reports where there is no terminal.
const REPORT_EVERY: u64 = 100_000;

/// Why a tenant was not erased.
#[derive(Debug, thiserror::Error)]
enum EraseError {
    #[error("erasing {tenant} needs a confirmation; pass --yes where there is no terminal")]
    NoTerminal { tenant: TenantId },
    #[error("nothing was erased: the name is {tenant}")]
    NotConfirmed { tenant: TenantId },
    #[error("the erasure of {tenant} is not complete; run the command again to continue")]
    Interrupted { tenant: TenantId, source: ApplicationError },
}

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// Name of the tenant
    #[arg(value_name = "NAME", value_parser = parse_tenant)]
    tenant: TenantId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How long requests in progress have to end, after the tenant's callers are refused and before rows are removed
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    grace: Duration,
}

/// Erases the tenant after a confirmation.
pub(super) async fn run(
    administration: &Administration,
    EraseArgs { tenant, yes, grace }: EraseArgs,
) -> Result<(), Failure> {
    let known = administration.list_tenants.execute().await?.into_iter().any(|known| known.id == tenant);
    // What cannot be erased is refused without a question.
    if known && tenant != TenantId::default() && !yes {
        confirm(&tenant)?;
    }
    let request = EraseTenantRequest { tenant: tenant.clone(), actor: actor() };
    let mut progress = Progress::new();
    let wait = wait_for_requests(administration.sleep, grace);
    let erased = administration.erase_tenant.execute(request, wait, |removed| progress.report(removed)).await;
    progress.finish();
    match erased {
        Ok(removed) => {
            eprintln!(
                "erased tenant {tenant} ({} removed); running the command again removes what requests in progress \
                 may have stored since",
                counted(removed, "row")
            );
            Ok(())
        }
        Err(source @ (ApplicationError::Unavailable { .. } | ApplicationError::Conflict { .. })) => {
            Err(EraseError::Interrupted { tenant, source }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits for the end of requests in progress; the time begins when the future is polled, after the tenant's callers
/// are refused.
async fn wait_for_requests(sleep: fn(Duration) -> BoxFuture<'static, ()>, grace: Duration) {
    if !grace.is_zero() {
        eprintln!(
            "the tenant's callers are refused; waiting {} s for requests in progress on every replica, then \
             removing rows",
            grace.as_secs_f64()
        );
        sleep(grace).await;
    }
}

/// Asks for the tenant's name on the terminal.
fn confirm(tenant: &TenantId) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::set_up(EraseError::NoTerminal { tenant: tenant.clone() }));
    }
    eprintln!("This removes all predictions, events and keys of the tenant {tenant}. It cannot be undone.");
    eprint!("Type the tenant's name to continue: ");
    let mut typed = String::new();
    io::stdin().read_line(&mut typed)?;
    if typed.trim() == tenant.as_str() {
        return Ok(());
    }
    Err(EraseError::NotConfirmed { tenant: tenant.clone() }.into())
}

/// The number of rows removed so far, on standard error.
struct Progress {
    /// None without a terminal.
    spinner: Option<ProgressBar>,
    reported: u64,
}

impl Progress {
    fn new() -> Self {
        let spinner = || {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            ProgressStyle::with_template("{spinner} {msg}")
                .map_or(spinner.clone(), |style| spinner.with_style(style))
        };
        Self { spinner: io::stderr().is_terminal().then(spinner), reported: 0 }
    }

    fn report(&mut self, removed: u64) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!("{} removed", counted(removed, "row")));
        } else if removed >= self.reported + REPORT_EVERY {
            self.reported = removed;
            eprintln!("{} removed", counted(removed, "row"));
        }
    }

    fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

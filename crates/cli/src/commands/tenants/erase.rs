use std::io::{self, IsTerminal};
use std::time::Duration;

use application::dtos::EraseTenantRequest;
use application::errors::ApplicationError;
use domain::value_objects::TenantId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::administration::Administration;
use crate::commands::administer::{actor, counted};
use crate::failure::Failure;

/// How long requests in progress have to end after the tenant's callers are refused: replicas notice it within five
/// seconds.
const GRACE: Duration = Duration::from_secs(10);
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

/// Erases the tenant after a confirmation.
pub(super) async fn run(
    administration: &Administration,
    tenant: TenantId,
    confirmed: bool,
) -> Result<(), Failure> {
    let known = administration.list_tenants.execute().await?.into_iter().any(|known| known.id == tenant);
    // What cannot be erased is refused without a question.
    if known && tenant != TenantId::default() {
        if !confirmed {
            confirm(&tenant)?;
        }
        eprintln!("waiting {} s for requests in progress, then removing rows", GRACE.as_secs());
    }
    let request = EraseTenantRequest { tenant: tenant.clone(), actor: actor() };
    let mut progress = Progress::new();
    let grace = (administration.sleep)(GRACE);
    let erased =
        administration.erase_tenant.execute(request, grace, |removed| progress.report(removed)).await;
    progress.finish();
    match erased {
        Ok(removed) => {
            eprintln!("erased tenant {tenant} ({} removed)", counted(removed, "row"));
            Ok(())
        }
        Err(source @ (ApplicationError::Unavailable { .. } | ApplicationError::Conflict { .. })) => {
            Err(EraseError::Interrupted { tenant, source }.into())
        }
        Err(error) => Err(error.into()),
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

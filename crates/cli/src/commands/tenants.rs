mod erase;

use application::dtos::{ChangeTenantRequest, TenantChange};
use application::errors::ApplicationError;
use clap::{Args, Subcommand};
use domain::entities::Tenant;
use domain::errors::Rule;
use domain::value_objects::{Limits, TenantId};
use serde_json::{Value, json};

use crate::administration::Administration;
use crate::commands::administer::{actor, administer, parse_tenant, print_items};
use crate::commands::limits::{self, LimitArgs};
use crate::commands::print;
use crate::failure::Failure;
use crate::program::{Program, SchemaUse};
use crate::table::Table;
use crate::times::{rfc3339, to_the_second};

use self::erase::EraseArgs;

#[derive(Debug, Args)]
pub(crate) struct TenantsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a tenant; creates the database where it is missing
    Add(NameArgs),
    /// List the tenants
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Change or show what the callers of a tenant may use together
    ///
    /// What is not given stays; without any option the limits are shown. A change takes effect within five seconds on
    /// every replica. Rates and concurrent requests are those of each replica.
    Limit(LimitTenantArgs),
    /// Refuse the callers of a tenant, within five seconds on every replica; its data stays
    Disable(NameArgs),
    /// Accept the callers of a disabled tenant again
    Enable(NameArgs),
    /// Remove everything of a tenant: predictions, events and keys. Run it again if it is interrupted
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
struct NameArgs {
    /// Name of the tenant: 1 to 64 lower-case letters, digits, hyphens and underscores
    #[arg(value_name = "NAME", value_parser = parse_tenant)]
    tenant: TenantId,
}

#[derive(Debug, Args)]
struct LimitTenantArgs {
    #[command(flatten)]
    name: NameArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

pub(super) async fn run<P: Program>(program: &P, args: TenantsArgs) -> Result<(), Failure> {
    let schema = match args.action {
        Action::Add(_) => SchemaUse::Create,
        _ => SchemaUse::Existing,
    };
    administer(program, schema, async |administration| match args.action {
        Action::Add(NameArgs { tenant }) => {
            change(administration, &tenant, TenantChange::Add).await?;
            eprintln!("added tenant {tenant}");
            eprintln!(
                "next: undertone keys issue --tenant {tenant} --scopes predictions:write,predictions:read"
            );
            Ok(())
        }
        Action::List { json } => list::<P>(administration, json).await,
        Action::Limit(args) => limit(administration, args).await,
        Action::Disable(NameArgs { tenant }) => {
            change(administration, &tenant, TenantChange::Disable).await?;
            eprintln!("disabled tenant {tenant}; its callers are refused within five seconds");
            Ok(())
        }
        Action::Enable(NameArgs { tenant }) => {
            change(administration, &tenant, TenantChange::Enable).await?;
            eprintln!("enabled tenant {tenant}; its callers are accepted within five seconds");
            Ok(())
        }
        Action::Erase(args) => erase::run(administration, args).await,
    })
    .await
}

/// Changes the limits of the tenant, or shows them where no option is given.
async fn limit(
    administration: &Administration,
    LimitTenantArgs { name: NameArgs { tenant }, limits }: LimitTenantArgs,
) -> Result<(), Failure> {
    let Some(limits) = limits.change() else {
        let limits = limits_of(administration, &tenant).await?;
        return print(&limits::as_lines(&limits));
    };
    change(administration, &tenant, TenantChange::Limit(limits)).await?;
    let limits = limits_of(administration, &tenant).await?;
    eprintln!("limits of tenant {tenant}: {limits}; in effect within five seconds");
    Ok(())
}

async fn limits_of(administration: &Administration, tenant: &TenantId) -> Result<Limits, Failure> {
    let tenants = administration.list_tenants.execute().await?;
    let found = tenants.into_iter().find(|known| known.id == *tenant);
    found.map(|tenant| tenant.limits).ok_or_else(|| ChangeError::Missing(tenant.clone()).into())
}

async fn change(
    administration: &Administration,
    tenant: &TenantId,
    change: TenantChange,
) -> Result<(), Failure> {
    let request = ChangeTenantRequest { tenant: tenant.clone(), change, actor: actor() };
    let changed = administration.change_tenant.execute(request).await;
    changed.map_err(|error| explain(error, tenant.clone(), change))
}

/// Why a tenant was not changed.
#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error("there is no tenant {0}; `undertone tenants list` shows them all")]
    Missing(TenantId),
    #[error("tenant {tenant} exists already, with the status {status}; choose another name")]
    Exists { tenant: TenantId, status: &'static str },
    #[error("tenant {tenant} cannot be changed: its status is {status}, not {required}")]
    WrongState { tenant: TenantId, status: &'static str, required: &'static str },
}

/// Says where the tenants are, or which status does not allow the change.
fn explain(error: ApplicationError, tenant: TenantId, change: TenantChange) -> Failure {
    match (error, change) {
        (ApplicationError::NotFound { entity: "tenant", .. }, _) => ChangeError::Missing(tenant).into(),
        (
            ApplicationError::Invalid { rule: Rule::WrongState { actual: status, .. }, .. },
            TenantChange::Add,
        ) => ChangeError::Exists { tenant, status }.into(),
        (ApplicationError::Invalid { rule: Rule::WrongState { actual: status, required }, .. }, _) => {
            ChangeError::WrongState { tenant, status, required }.into()
        }
        (error, _) => error.into(),
    }
}

async fn list<P: Program>(administration: &Administration, json: bool) -> Result<(), Failure> {
    let tenants = administration.list_tenants.execute().await?;
    if json {
        let items = tenants.iter().map(as_json::<P>);
        return print_items(items.collect::<Result<Vec<_>, _>>()?);
    }
    let mut table = Table::new(["NAME", "STATUS", "ADDED"]);
    for Tenant { id, status, limits, created_at } in tenants {
        let note = if limits.is_unlimited() { String::new() } else { format!("limits: {limits}") };
        table.add([id.to_string(), status.as_str().to_owned(), to_the_second(created_at)], &note);
    }
    print(&table.to_string())
}

fn as_json<P: Program>(tenant: &Tenant) -> serde_json::Result<Value> {
    Ok(json!({
        "name": tenant.id.as_str(),
        "status": tenant.status.as_str(),
        "limits": P::limits_json(&tenant.limits)?,
        "created_at": rfc3339(tenant.created_at),
    }))
}

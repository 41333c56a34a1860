use std::time::Duration;

use application::dtos::{IssueKeyRequest, IssueKeyResponse, Replacement};
use application::errors::ApplicationError;
use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::entities::ApiKey;
use domain::errors::Rule;
use domain::value_objects::{Limits, Scope, TenantId};

use crate::administration::Administration;
use crate::commands::administer::{actor, parse_tenant};
use crate::commands::keys::{explain, output, parse_id};
use crate::commands::limits::LimitArgs;
use crate::commands::print;
use crate::failure::Failure;
use crate::times::{Expiry, parse_duration, to_the_second};

#[derive(Debug, Args)]
pub(super) struct IssueArgs {
    /// Tenant that the key's callers act for
    #[arg(long, value_name = "NAME", value_parser = parse_tenant)]
    tenant: TenantId,
    /// What the key's callers may do, separated by commas [default: those of the key that it replaces]
    #[arg(
        long,
        value_name = "SCOPES",
        value_delimiter = ',',
        required_unless_present = "replaces",
        value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)),
    )]
    scopes: Option<Vec<String>>,
    /// Display name of the key [default: that of the key that it replaces]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// When the key ends: a date (2027-01-31, at its first moment in UTC), a time (RFC 3339) or a span (90d)
    /// [default: never]
    #[arg(long, value_name = "DATE", value_parser = Expiry::parse)]
    expires: Option<Expiry>,
    /// Id of a key that this one replaces: it ends after the overlap
    #[arg(long, value_name = "ID")]
    replaces: Option<String>,
    /// How long both keys are valid
    #[arg(long, default_value = "24h", requires = "replaces", value_parser = parse_duration)]
    overlap: Duration,
    // [default: those of the key that it replaces, else none beside those of the tenant]
    #[command(flatten)]
    limits: LimitArgs,
}

/// Why a key was not issued.
#[derive(Debug, thiserror::Error)]
enum IssueError {
    #[error(
        "the key's limit of {kind} must be at most that of tenant {tenant}; `undertone tenants limit {tenant}` shows it"
    )]
    WiderThanTenant { kind: String, tenant: TenantId },
}

pub(super) async fn run(administration: &Administration, args: IssueArgs) -> Result<(), Failure> {
    let now = administration.clock.now();
    let end = |expiry: Expiry| {
        expiry.from(now).ok_or_else(|| Failure::set_up("--expires must not be beyond the year 9999"))
    };
    let expires_at = args.expires.map(end).transpose()?;
    let old = args.replaces.as_deref().map(parse_id).transpose()?;
    let replaces = old.map(|id| Replacement { id: id.to_string(), overlap: args.overlap });
    let request = IssueKeyRequest {
        tenant: args.tenant.clone(),
        scopes: args.scopes,
        name: args.name,
        expires_at,
        limits: args.limits.change().map(|change| change.apply_to(Limits::default())),
        issuer_limits: Limits::default(),
        replaces: replaces.clone(),
        grantable: None,
        actor: actor(),
    };
    let issued = administration.issue_key.execute(request).await;
    let IssueKeyResponse { key, secret } = issued.map_err(|error| explain_limit(error, args.tenant))?;
    describe(&key, replaces.as_ref());
    print(&format!("{}\n", secret.expose()))
}

/// Says which limit is wider than that of the tenant.
fn explain_limit(error: ApplicationError, tenant: TenantId) -> Failure {
    match &error {
        ApplicationError::Invalid { field, rule: Rule::OutOfRange { .. } } => {
            match field.strip_prefix("limits.") {
                Some(kind) => IssueError::WiderThanTenant { kind: kind.replace('_', " "), tenant }.into(),
                None => explain(error),
            }
        }
        _ => explain(error),
    }
}

/// Describes the new key on standard error.
fn describe(key: &ApiKey, replaces: Option<&Replacement>) {
    eprintln!("issued key {} for tenant {}; it is shown only now", key.id, key.tenant);
    if let Some(name) = &key.name {
        eprintln!("  name      {name}");
    }
    eprintln!("  scopes    {}", output::scopes(key));
    let limits = Some(key.limits).filter(|limits| !limits.is_unlimited());
    let limits = limits.map_or("those of the tenant".to_owned(), |limits| limits.to_string());
    eprintln!("  limits    {limits}");
    eprintln!("  expires   {}", key.expires_at.map_or("never".to_owned(), to_the_second));
    if let Some(Replacement { id, overlap }) = replaces {
        eprintln!("  replaces  {id}, which ends at {}", to_the_second(key.created_at.plus(*overlap)));
    }
    eprintln!("  send it   Authorization: Bearer <key>, or X-API-Key: <key>");
}

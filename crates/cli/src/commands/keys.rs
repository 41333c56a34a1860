mod issue;
mod output;

use application::dtos::{ListKeysRequest, RevokeKeyRequest};
use application::errors::ApplicationError;
use clap::{Args, Subcommand};
use domain::value_objects::{KeyId, TenantId};

use crate::administration::Administration;
use crate::commands::administer::{actor, administer, parse_tenant, print_items};
use crate::commands::print;
use crate::failure::Failure;
use crate::program::{Program, SchemaUse};

use self::issue::IssueArgs;

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Issue an API key and print it, alone, on standard output; it cannot be shown again
    Issue(Box<IssueArgs>),
    /// List API keys, without their secrets, the newest first
    List(ListArgs),
    /// Revoke an API key, within five seconds on every replica
    Revoke {
        /// Id of the key: the part between its underscores
        id: String,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Tenant of the keys [default: all tenants]
    #[arg(long, value_name = "NAME", value_parser = parse_tenant)]
    tenant: Option<TenantId>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run<P: Program>(program: &P, args: KeysArgs) -> Result<(), Failure> {
    let schema = match args.action {
        Action::Issue(_) => SchemaUse::Create,
        _ => SchemaUse::Existing,
    };
    administer(program, schema, async |administration| match args.action {
        Action::Issue(args) => issue::run(administration, *args).await,
        Action::List(args) => list::<P>(administration, args).await,
        Action::Revoke { id } => revoke(administration, &id).await,
    })
    .await
}

/// Parses the id of a key, or takes it from a whole key. No error repeats the text, which may be a key.
fn parse_id(text: &str) -> Result<KeyId, Failure> {
    let parts = text.strip_prefix("ut_").and_then(|rest| rest.split_once('_'));
    KeyId::parse("ID", parts.map_or(text, |(id, _)| id)).map_err(Failure::set_up)
}

async fn list<P: Program>(administration: &Administration, args: ListArgs) -> Result<(), Failure> {
    let (mut keys, mut now) = (Vec::new(), administration.clock.now());
    for tenant in tenants(administration, args.tenant).await? {
        let listed = administration.list_keys.execute(ListKeysRequest { tenant }).await?;
        keys.extend(listed.keys);
        now = listed.now;
    }
    if args.json {
        let items = keys.iter().map(|key| output::as_json::<P>(key, now));
        return print_items(items.collect::<Result<Vec<_>, _>>()?);
    }
    if keys.is_empty() {
        eprintln!("there are no keys; `undertone keys issue` makes one");
        return Ok(());
    }
    print(&output::as_table(&keys, now))
}

/// The tenants whose keys are listed: the given one, which must exist, or all.
async fn tenants(
    administration: &Administration,
    tenant: Option<TenantId>,
) -> Result<Vec<TenantId>, Failure> {
    let all = administration.list_tenants.execute().await?.into_iter().map(|tenant| tenant.id);
    let Some(tenant) = tenant else { return Ok(all.collect()) };
    if all.into_iter().any(|known| known == tenant) {
        return Ok(vec![tenant]);
    }
    Err(MissingError::Tenant(tenant.to_string()).into())
}

/// What a command names does not exist.
#[derive(Debug, thiserror::Error)]
enum MissingError {
    #[error("there is no tenant {0}; `undertone tenants list` shows them all")]
    Tenant(String),
    #[error("there is no active key {0}; `undertone keys list` shows them all")]
    Key(String),
}

/// Says where the names and ids are that a command accepts.
fn explain(error: ApplicationError) -> Failure {
    match error {
        ApplicationError::NotFound { entity: "tenant", id } => MissingError::Tenant(id).into(),
        ApplicationError::NotFound { entity: "key", id } => MissingError::Key(id).into(),
        error => error.into(),
    }
}

async fn revoke(administration: &Administration, id: &str) -> Result<(), Failure> {
    let id = parse_id(id)?;
    let request = RevokeKeyRequest { tenant: None, id: id.clone(), actor: actor() };
    administration.revoke_key.execute(request).await.map_err(explain)?;
    eprintln!("revoked key {id}; it is refused within five seconds");
    Ok(())
}

use application::dtos::Actor;
use domain::value_objects::TenantId;
use serde_json::{Value, json};

use crate::administration::Administration;
use crate::commands::print;
use crate::failure::Failure;
use crate::program::{Opened, Program, SchemaUse};

/// Runs `work` with the opened administration, and closes it.
pub(super) async fn administer<P: Program>(
    program: &P,
    schema: SchemaUse,
    work: impl AsyncFnOnce(&Administration) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Opened { part, close } = program.open_administration(schema).await.map_err(Failure::set_up)?;
    let outcome = work(&part).await;
    drop(part);
    close.await;
    outcome
}

/// The user of the machine, for the audit.
pub(super) fn actor() -> Actor {
    #[expect(clippy::disallowed_methods, reason = "the name of the user is no setting")]
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor::command_line(&user.filter(|user| !user.is_empty()).unwrap_or_else(|| "unknown".to_owned()))
}

/// Parses the name of a tenant.
pub(super) fn parse_tenant(name: &str) -> Result<TenantId, String> {
    TenantId::parse(name).map_err(|error| error.to_string())
}

/// A number of things, such as `1 row` or `2 rows`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Prints `items` in JSON, in the form of the API's lists.
pub(super) fn print_items(items: impl IntoIterator<Item = Value>) -> Result<(), Failure> {
    print(&format!("{:#}\n", json!({ "items": Value::from_iter(items) })))
}

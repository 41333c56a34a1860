use application::dtos::ListAuditRequest;
use clap::Args;
use domain::value_objects::{AuditLine, TenantId};

use crate::administration::Administration;
use crate::commands::administer::{parse_tenant, print_items};
use crate::commands::print;
use crate::failure::Failure;
use crate::program::Program;
use crate::table::Table;
use crate::times::to_the_second;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Lines of this tenant only
    #[arg(long, value_name = "NAME", value_parser = parse_tenant)]
    tenant: Option<TenantId>,
    /// The most lines
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// The most lines of one call of the use case.
const PAGE: u32 = 100;

pub(super) async fn run<P: Program>(administration: &Administration, args: ListArgs) -> Result<(), Failure> {
    let (mut lines, mut cursor) = (Vec::new(), None);
    loop {
        let missing = args.limit.saturating_sub(lines.len() as u32);
        let request =
            ListAuditRequest { tenant: args.tenant.clone(), limit: Some(missing.min(PAGE)), cursor };
        let page = administration.list_audit.execute(request).await?;
        lines.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() || lines.len() as u32 >= args.limit {
            break;
        }
    }
    if args.json {
        return print_items(lines.iter().map(P::audit_line_json).collect::<Result<Vec<_>, _>>()?);
    }
    if lines.is_empty() {
        eprintln!("the audit has no such lines");
        return Ok(());
    }
    print(&as_table(&lines))
}

/// The lines as a table; below each what was changed, and by whom.
fn as_table(lines: &[AuditLine]) -> String {
    let mut table = Table::new(["LINE", "TIME", "ACTION", "TENANT"]);
    for AuditLine { seq, entry, .. } in lines {
        let tenant = entry.tenant.as_ref().map_or("-", TenantId::as_str);
        let cells = [seq.to_string(), to_the_second(entry.at), entry.action.clone(), tenant.to_owned()];
        let with = |word: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{word}{text}")).unwrap_or_default()
        };
        let note = [
            format!("{} by {}", entry.target, entry.actor),
            with(" from ", &entry.address),
            with(", request ", &entry.request_id),
            with(": ", &entry.detail),
        ];
        table.add(cells, &note.concat());
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use domain::value_objects::{AuditEntry, Timestamp};

    use super::*;

    #[test]
    fn a_table_of_lines_fits_80_columns() {
        let entry = AuditEntry {
            at: Timestamp::from_micros(1_767_323_045_678_901),
            tenant: TenantId::parse("acme").ok(),
            actor: "command-line:ann".to_owned(),
            key_id: None,
            address: None,
            request_id: None,
            action: "key.issued".to_owned(),
            target: "NT3kWq0aZbYd".to_owned(),
            detail: Some("predictions:write predictions:read".to_owned()),
        };
        let deleted = AuditEntry {
            actor: "key:NT3kWq0aZbYd".to_owned(),
            key_id: Some("NT3kWq0aZbYd".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            request_id: Some("019c0000-0000-7000-8000-000000000000".to_owned()),
            action: "prediction.deleted".to_owned(),
            target: "019b0000-0000-7000-8000-000000000000".to_owned(),
            detail: None,
            ..entry.clone()
        };
        let lines =
            [AuditLine { seq: 10, entry: deleted, seal: None }, AuditLine { seq: 9, entry, seal: None }];
        let expected = "\
LINE  TIME                  ACTION              TENANT
10    2026-01-02T03:04:05Z  prediction.deleted  acme
    019b0000-0000-7000-8000-000000000000 by key:NT3kWq0aZbYd from 192.0.2.1,
    request 019c0000-0000-7000-8000-000000000000
9     2026-01-02T03:04:05Z  key.issued          acme
    NT3kWq0aZbYd by command-line:ann: predictions:write predictions:read
";
        assert_eq!(as_table(&lines), expected);
    }
}

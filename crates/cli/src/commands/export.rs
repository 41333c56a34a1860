mod destination;
mod filter;
mod progress;

use std::io::Write;
use std::path::PathBuf;

use application::dtos::{ExportForm, ExportFormat, ExportPart, ExportPredictionsRequest};
use application::errors::BoxError;
use application::ports::PredictionFilter;
use clap::{Args, ValueEnum};
use domain::value_objects::TenantId;

use crate::administration::Administration;
use crate::commands::administer::{administer, counted, parse_tenant};
use crate::failure::Failure;
use crate::program::{Program, SchemaUse};

use self::destination::Destination;
use self::filter::FilterArgs;
use self::progress::Progress;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Format of the file [default: by the extension of --output, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// File to write, or - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Predictions of this tenant
    #[arg(long, value_name = "NAME", value_parser = parse_tenant, default_value_t)]
    tenant: TenantId,
    /// Leave CSV cells as they are that a spreadsheet would execute as formulas
    #[arg(long)]
    unsafe_cells: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object per line, and a last line with their number
    Jsonl,
}

/// Why `export` fails.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("there is no tenant {0}")]
    UnknownTenant(TenantId),
}

impl ExportArgs {
    fn form(&self) -> ExportForm {
        let by_extension = match self.output.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson") => Format::Jsonl,
            _ => Format::Csv,
        };
        let format = match self.format.unwrap_or(by_extension) {
            Format::Csv => ExportFormat::Csv,
            Format::Jsonl => ExportFormat::Jsonl,
        };
        ExportForm { format, neutralize: !self.unsafe_cells }
    }
}

pub(super) async fn run<P: Program>(program: &P, args: ExportArgs) -> Result<(), Failure> {
    let (form, filter) = (args.form(), PredictionFilter::try_from(&args.filter).map_err(Failure::set_up)?);
    // A file that must not be replaced is reported before anything is read.
    let destination = Destination::open(&args.output, args.force).map_err(Failure::set_up)?;
    let request = ExportPredictionsRequest { tenant: args.tenant, filter };
    administer(program, SchemaUse::Existing, async |administration| {
        Ok(export::<P>(administration, request, form, destination).await?)
    })
    .await
}

/// Writes every page, then gives the file its name.
async fn export<P: Program>(
    administration: &Administration,
    request: ExportPredictionsRequest,
    form: ExportForm,
    mut destination: Destination,
) -> Result<(), BoxError> {
    let tenants = administration.list_tenants.execute().await?;
    if !tenants.iter().any(|known| known.id == request.tenant) {
        return Err(ExportError::UnknownTenant(request.tenant).into());
    }
    let mut pages = administration.export.execute(request).await?;
    let progress = Progress::new();
    let (mut rows, mut bytes) = (0, Vec::new());
    P::write_export(form, ExportPart::Start, &mut bytes)?;
    while let Some(page) = pages.next_page().await? {
        rows += page.len() as u64;
        P::write_export(form, ExportPart::Rows(&page), &mut bytes)?;
        destination.write_all(&bytes)?;
        bytes.clear();
        progress.report(rows);
    }
    P::write_export(form, ExportPart::End { rows }, &mut bytes)?;
    destination.write_all(&bytes)?;
    let file = destination.finish()?;
    progress.finish();
    if let Some(file) = file {
        eprintln!("exported {} to {}", counted(rows, "prediction"), file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ExportArgs,
    }

    fn form(line: &[&str]) -> ExportForm {
        Line::parse_from([&["export"], line].concat()).args.form()
    }

    #[test]
    fn the_format_is_that_of_the_extension_unless_it_is_given() {
        for (line, format) in [
            (&[][..], ExportFormat::Csv),
            (&["--output", "a.csv"], ExportFormat::Csv),
            (&["--output", "a.jsonl"], ExportFormat::Jsonl),
            (&["-o", "a.ndjson"], ExportFormat::Jsonl),
            (&["-o", "a.csv", "--format", "jsonl"], ExportFormat::Jsonl),
        ] {
            assert_eq!(form(line), ExportForm { format, neutralize: true }, "{line:?}");
        }
        assert!(!form(&["--unsafe-cells"]).neutralize);
    }
}

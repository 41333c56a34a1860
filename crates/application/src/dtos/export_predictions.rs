use domain::value_objects::TenantId;

use crate::dtos::PredictionRecord;
use crate::ports::PredictionFilter;

/// Export predictions, oldest first.
#[derive(Debug, Clone)]
pub struct ExportPredictionsRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The conditions.
    pub filter: PredictionFilter,
}

/// The file format of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) with a header.
    #[default]
    Csv,
    /// One JSON object per line, and a last line that says how many there are.
    Jsonl,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Jsonl];

    /// Returns the name, which is also the extension of files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportForm {
    /// The format.
    pub format: ExportFormat,
    /// Whether CSV cells that a spreadsheet would execute as formulas are neutralized.
    pub neutralize: bool,
}

/// A part of an export, in the order of the variants.
#[derive(Debug, Clone, Copy)]
pub enum ExportPart<'r> {
    /// What stands before the rows.
    Start,
    /// Some rows.
    Rows(&'r [PredictionRecord]),
    /// What stands behind the rows.
    End {
        /// The number of all rows.
        rows: u64,
    },
}

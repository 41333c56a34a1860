use crate::commands::print;
use crate::failure::Failure;
use crate::program::Program;
use crate::terminal::Terminal;

/// Prints the configured models as `GET /api/v1/models` returns them.
pub(super) async fn run<P: Program>(program: &P, terminal: &Terminal) -> Result<(), Failure> {
    print(&format!("{}\n", program.describe_models(terminal.download_bars()).await?))
}

use crate::download_bars;
use crate::failure::Failure;
use crate::program::Program;

/// Prints the configured models as `GET /api/v1/models` returns them.
pub(super) async fn run<P: Program>(program: &P) -> Result<(), Failure> {
    println!("{}", program.describe_models(download_bars::on_terminal()).await?);
    Ok(())
}

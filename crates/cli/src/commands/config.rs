use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print the reference of every setting instead, in Markdown
    #[arg(long)]
    pub(super) reference: bool,
}

//! Writes the pictures of the console in `docs/images`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::console::{self, Console};
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct ConsoleShotsArgs {
    /// The program to show [default: that of the dev profile, built first]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The folder to write to [default: docs/images]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// The predictions in the pictures.
const ROWS: u64 = 5_000;

/// The keys in the pictures: their names and scopes. The first is the browser's.
const KEYS: [(&str, &str); 3] = [
    (
        "operator",
        "predictions:write,predictions:read,predictions:delete,models:read,models:write,keys:admin,\
         metrics:read,audit:instance",
    ),
    ("web shop", "predictions:write"),
    ("weekly report", "predictions:read"),
];

/// Starts the program with a filled store and writes a picture of each page, at two widths and in both themes.
pub(crate) fn run(workspace: &Workspace, args: &ConsoleShotsArgs) -> anyhow::Result<()> {
    let console = Console::prepare(workspace)?;
    let program = match &args.program {
        Some(program) => program.clone(),
        None => workspace.build_program(Build::Program)?,
    };
    let undertone = UndertoneArgs::with_settings(program, &["auth.mode=required"]);
    let undertone = Undertone::prepare(workspace, &undertone)?;
    let server = undertone.start()?;
    console::fill(workspace, &undertone, &server, ROWS)?;
    let mut keys = Vec::new();
    for (name, scopes) in KEYS {
        let issue = ["keys", "issue", "--tenant", "default", "--scopes", scopes, "--name", name];
        keys.push(undertone.command(&server, &issue)?.trim().to_owned());
    }
    ensure!(keys.iter().all(|key| key.starts_with("ut_")), "the program issued no keys");
    let folder = args.folder.clone().unwrap_or_else(|| workspace.root().join("docs/images"));
    let mut pictures = console.command(&server);
    pictures.args(["--key", &keys[0], "pictures", "--folder"]).arg(&folder);
    console::run(&mut pictures)?;
    Ok(())
}

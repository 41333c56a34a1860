use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::webdriver::{Session, Theme, View};
use crate::{Arguments, wait_until};

#[derive(Debug, Args)]
pub(crate) struct PicturesArgs {
    /// The folder to write to
    #[arg(long)]
    folder: PathBuf,
}

const PAGES: [&str; 6] = ["try", "history", "trends", "models", "service", "keys"];

/// The widths of the pictures and their heights: a window, and a phone.
const SIZES: [(u32, u32); 2] = [(1280, 800), (390, 844)];

/// What is typed on the page Try: two sentences that disagree.
const TEXT: &str = "The room was bright and the staff were lovely. The lift was broken for three days.";

/// Nothing loads, and everything is drawn.
const IS_SETTLED: &str = r#"
performance.getEntriesByName("interactive").length > 0
  && document.querySelector(".skeleton, [aria-busy=true]") === null
  && document.fonts.status === "loaded"
"#;

/// Resolves when what has been drawn is visible.
const NEXT_FRAMES: &str =
    "new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(() => shown(true))))";

/// Writes `console-PAGE-WIDTH-THEME.png` for every page, size and theme.
pub(crate) fn run(arguments: &Arguments, args: &PicturesArgs) -> anyhow::Result<()> {
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot create {}", args.folder.display()))?;
    let session = arguments.session()?;
    for page in PAGES {
        for (width, height) in SIZES {
            for theme in Theme::ALL {
                session.set_view(View { width, height, theme })?;
                show(&session, arguments, page).with_context(|| format!("cannot show the page {page}"))?;
                let name = format!("console-{page}-{width}-{}.png", theme.name());
                let picture = session.picture()?;
                eprintln!("{name}: {} kB", picture.len() / 1000);
                fs::write(args.folder.join(name), picture)?;
            }
        }
    }
    Ok(())
}

fn show(session: &Session, arguments: &Arguments, page: &str) -> anyhow::Result<()> {
    // Another document first, since another hash alone loads nothing.
    session.open("about:blank")?;
    session.open(&arguments.page(page))?;
    wait_until(session, IS_SETTLED)?;
    if page == "try" {
        session.type_text(TEXT)?;
        wait_until(session, r#"/\d%/.test(document.querySelector("main").innerText)"#)?;
    }
    wait_until(session, IS_SETTLED)?;
    session.evaluate(NEXT_FRAMES)?;
    Ok(())
}

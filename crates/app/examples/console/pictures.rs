use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::webdriver::{Session, Theme, View};
use crate::{Arguments, pause, wait_until};

#[derive(Debug, Args)]
pub(crate) struct PicturesArgs {
    /// The folder to write to
    #[arg(long)]
    folder: PathBuf,
}

/// Try comes last, since its answers are stored.
const PAGES: [&str; 6] = ["history", "trends", "models", "keys", "service", "try"];

/// The widths of the pictures and their heights: a window, and a phone.
const SIZES: [(u32, u32); 2] = [(1280, 800), (390, 844)];

/// The width below which a window is that of a phone.
const NARROW: u32 = 800;

/// What is typed on the page Try: two sentences that disagree.
const TEXT: &str = "The room was bright and the staff were lovely. The lift was broken for three days.";

/// Nothing loads, and everything is drawn.
const IS_SETTLED: &str = r#"
performance.getEntriesByName("interactive").length > 0
  && document.querySelector(".skeleton, [aria-busy=true]") === null
  && document.fonts.status === "loaded"
"#;

/// How long a page has to draw itself for another size.
const REDRAW: Duration = Duration::from_millis(500);

/// For how many seconds there is something to see on the page Service.
const LOAD: u32 = 30;

/// Sends a few texts, some of which the cache answers.
const SEND: &str = r#"
fetch("../api/v1/predictions/batch", {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${sessionStorage.getItem("undertone.key")}` },
  body: JSON.stringify({ items: [0, 1, 2, 3].map(n => ({ text: `Text ${n * Date.now()}` })) }),
}).then(answer => answer.status)
"#;

/// Writes `console-PAGE-WIDTH-THEME.png` for every page, size and theme.
pub(crate) fn run(arguments: &Arguments, args: &PicturesArgs) -> anyhow::Result<()> {
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot create {}", args.folder.display()))?;
    let session = arguments.session()?;
    session.cdp("Emulation.setScrollbarsHidden", &json!({"hidden": true}))?;
    for page in PAGES {
        show(&session, arguments, page).with_context(|| format!("cannot show the page {page}"))?;
        for (width, height) in SIZES {
            for theme in Theme::ALL {
                session.set_view(View { width, height, theme })?;
                if width < NARROW {
                    // With the scroll bars of a phone, which take no room.
                    let phone =
                        json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
                    session.cdp("Emulation.setDeviceMetricsOverride", &phone)?;
                }
                pause(REDRAW);
                wait_until(&session, IS_SETTLED)?;
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
    let [(width, height), _] = SIZES;
    session.set_view(View { width, height, theme: Theme::Light })?;
    // Another document first, since another hash alone loads nothing.
    session.open("about:blank")?;
    session.open(&arguments.page(page))?;
    wait_until(session, IS_SETTLED)?;
    match page {
        "try" => {
            session.type_text(TEXT)?;
            wait_until(session, r#"/\d%/.test(document.querySelector("main").innerText)"#)?;
        }
        "service" => {
            for _ in 0..LOAD {
                session.evaluate(SEND)?;
                pause(Duration::from_secs(1));
            }
        }
        _ => {}
    }
    Ok(())
}

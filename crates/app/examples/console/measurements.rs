//! Prints figures, one a line: its name, a tab, its value.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::webdriver::{Session, Theme, View};
use crate::{Arguments, pause, wait_until};

#[derive(Debug, Args)]
pub(crate) struct StartsArgs {
    /// How many starts, each in a new browser
    #[arg(long, default_value_t = 20)]
    times: usize,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DurationArgs {
    /// For how long
    #[arg(long)]
    seconds: u64,
}

const VIEW: View = View { width: 1280, height: 800, theme: Theme::Light };
const IS_INTERACTIVE: &str = r#"performance.getEntriesByName("interactive").length > 0"#;

/// The times of a start, in milliseconds since the navigation.
const TIMES: &str = r#"["first-contentful-paint", "interactive"].map(
  name => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN
)"#;

/// Records frames, long tasks and requests for pages of predictions in `window.recorded`.
const RECORD: &str = r#"
window.recorded = { frames: [], tasks: [], requests: 0, scroll: 0 };
new PerformanceObserver(list => recorded.tasks.push(...list.getEntries().map(entry => entry.duration)))
  .observe({ type: "longtask" });
new PerformanceObserver(list => {
  recorded.requests += list.getEntries().filter(entry => entry.name.includes("api/v1/predictions?")).length;
  performance.clearResourceTimings();
}).observe({ type: "resource" });
const scroller = () => [document.scrollingElement, ...document.querySelectorAll("main, main *")]
  .reduce((most, other) => other.scrollHeight - other.clientHeight > most.scrollHeight - most.clientHeight ? other : most);
let scrolled = scroller();
let before = performance.now();
const frame = now => {
  recorded.frames.push(now - before);
  before = now;
  if (recorded.scroll > 0) {
    scrolled = scrolled.isConnected ? scrolled : scroller();
    scrolled.scrollTop += recorded.scroll;
  }
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"#;

/// The rows of a page of the history.
const ROWS_OF_A_REQUEST: u64 = 100;

/// Starts the console many times, with an empty and with a full cache.
pub(crate) fn starts(arguments: &Arguments, args: &StartsArgs) -> anyhow::Result<()> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..args.times {
        let session = Session::start(&arguments.webdriver)?;
        session.set_view(VIEW)?;
        cold.push(start(&session, arguments)?);
        session.open("about:blank")?;
        warm.push(start(&session, arguments)?);
    }
    for (name, starts) in [("empty cache", cold), ("full cache", warm)] {
        print(&format!("first paint, {name}, p50 (ms)"), percentile(starts.iter().map(|times| times[0]), 50));
        print(
            &format!("first paint, {name}, most (ms)"),
            percentile(starts.iter().map(|times| times[0]), 100),
        );
        print(&format!("interactive, {name}, p50 (ms)"), percentile(starts.iter().map(|times| times[1]), 50));
        print(
            &format!("interactive, {name}, most (ms)"),
            percentile(starts.iter().map(|times| times[1]), 100),
        );
    }
    Ok(())
}

fn start(session: &Session, arguments: &Arguments) -> anyhow::Result<[f64; 2]> {
    session.open(&arguments.page("try"))?;
    // The paint is reported shortly after it.
    wait_until(session, &format!("{IS_INTERACTIVE} && !({TIMES}).includes(Number.NaN)"))?;
    Ok(serde_json::from_value(session.evaluate(TIMES)?)?)
}

/// Scrolls through the history as fast as it is drawn.
pub(crate) fn scrolling(arguments: &Arguments, args: DurationArgs) -> anyhow::Result<()> {
    let session = history(arguments)?;
    print("memory before (MB)", heap(&session)?);
    session.evaluate("void (recorded.scroll = 4000)")?;
    let started = Instant::now();
    let mut most = 0.0_f64;
    while started.elapsed() < Duration::from_secs(args.seconds) {
        pause(Duration::from_secs(1));
        most = most.max(heap(&session)?);
    }
    let requests = session.evaluate("recorded.requests")?.as_u64().context("no number of requests")?;
    session.evaluate("void (recorded.scroll = 0)")?;
    print("rows read", (requests * ROWS_OF_A_REQUEST) as f64);
    print("memory, most (MB)", most);
    session.cdp("HeapProfiler.collectGarbage", &json!({}))?;
    print("memory after, without garbage (MB)", heap(&session)?);
    print_frames(&session)
}

/// Looks at the history while events arrive.
pub(crate) fn events(arguments: &Arguments, args: DurationArgs) -> anyhow::Result<()> {
    let session = history(arguments)?;
    pause(Duration::from_secs(args.seconds));
    let requests = session.evaluate("recorded.requests")?.as_f64().context("no number of requests")?;
    print("times that the newest rows were read", requests);
    print("memory (MB)", heap(&session)?);
    print_frames(&session)
}

/// Opens the history and begins to record.
fn history(arguments: &Arguments) -> anyhow::Result<Session> {
    let session = arguments.session()?;
    session.set_view(VIEW)?;
    session.open(&arguments.page("history"))?;
    wait_until(&session, &format!("{IS_INTERACTIVE} && document.querySelector('.skeleton') === null"))?;
    session.cdp("Performance.enable", &json!({}))?;
    session.evaluate(&format!("{{ {RECORD} }}"))?;
    Ok(session)
}

/// Returns the memory of JavaScript's objects, in MB.
fn heap(session: &Session) -> anyhow::Result<f64> {
    let metrics = session.cdp("Performance.getMetrics", &json!({}))?;
    let mut metrics = metrics["metrics"].as_array().into_iter().flatten();
    let used = metrics.find(|metric| metric["name"] == "JSHeapUsedSize").context("no JSHeapUsedSize")?;
    Ok(used["value"].as_f64().context("no number")? / 1e6)
}

fn print_frames(session: &Session) -> anyhow::Result<()> {
    let frames: Vec<f64> = serde_json::from_value(session.evaluate("recorded.frames")?)?;
    let tasks: Vec<f64> = serde_json::from_value(session.evaluate("recorded.tasks")?)?;
    print("frames per second", frames.len() as f64 * 1000.0 / frames.iter().sum::<f64>());
    print("time between frames, p99 (ms)", percentile(frames.iter().copied(), 99));
    print("tasks of more than 50 ms", tasks.len() as f64);
    print("longest task (ms)", tasks.iter().copied().fold(0.0, f64::max));
    Ok(())
}

/// Returns the value that `percent` of the values do not exceed.
fn percentile(values: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(place).copied().unwrap_or(f64::NAN)
}

fn print(name: &str, value: f64) {
    println!("{name}\t{value:.0}");
}

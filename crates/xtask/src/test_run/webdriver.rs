use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use super::database::has_docker;
use super::ports::free_port;
use super::supervised::{Plan, Supervised};
use crate::apt;
use crate::bench::server::with_variables;
use crate::workspace::{environment, on_path};

/// The variable with the address that the browser tests read.
pub(crate) const VARIABLE: &str = "TEST_WEBDRIVER_URL";

/// How long the driver may take to start, and a browser.
const START: Duration = Duration::from_mins(1);

/// The shell command that stops the driver. Its browsers would outlive it: they are killed first, each found by the
/// lock in its profile, which is a link to `HOST-PROCESS`.
const STOP: &str = r#"
for lock in "$folder"/*/SingletonLock; do
  browser=$(readlink "$lock") && kill -KILL "${browser##*-}"
done
kill "$server"
"#;

/// A WebDriver for Chromium: an existing one, or one that stops when this value is dropped, and its browsers with it.
#[derive(Debug)]
pub(crate) struct WebDriver {
    url: String,
    _server: Option<Supervised>,
}

impl WebDriver {
    /// Returns its address, such as `http://127.0.0.1:9515`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Returns the driver of [`VARIABLE`], else starts one: the installed one, else one in Docker, else one that is
/// installed first (as root on Debian).
pub(crate) fn provide() -> anyhow::Result<WebDriver> {
    if let Some(url) = environment(VARIABLE).filter(|url| !url.is_empty()) {
        let url = url.into_string().ok().with_context(|| format!("{VARIABLE} is not valid Unicode"))?;
        return Ok(WebDriver { url: url.trim_end_matches('/').to_owned(), _server: None });
    }
    if on_path("chromedriver").is_none() && has_docker() {
        return start_in_docker();
    }
    start_installed().with_context(|| {
        format!(
            "the browser tests need Chromium and chromedriver of one version: set {VARIABLE}, install both \
             (on the search path), or start Docker; `cargo xtask test --without browser` leaves these tests out"
        )
    })
}

fn start_installed() -> anyhow::Result<WebDriver> {
    if on_path("chromedriver").is_none() {
        ensure!(apt::is_available(), "chromedriver is not installed");
        // It depends on the Chromium of its version.
        apt::install("chromium-driver").context("cannot install chromium-driver; install it by hand")?;
    }
    let port = free_port()?;
    let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
    let command = driver(folder.path(), port);
    let mut server = Supervised::start(Plan { command, folder, stop: STOP.to_owned() })?;
    let url = format!("http://127.0.0.1:{port}");
    server.wait_until(START, || Ok(is_ready(&url)))?;
    start_a_browser(&url).with_context(|| format!("chromedriver's log ends with:\n{}", server.log_tail()))?;
    Ok(WebDriver { url, _server: Some(server) })
}

/// The command of a driver whose browsers have their profiles in `folder`.
fn driver(folder: &Path, port: u16) -> Command {
    let mut driver = with_variables(&[("TMPDIR", folder.as_os_str())], Path::new("chromedriver"));
    driver.arg(format!("--port={port}")).arg("--log-level=WARNING");
    driver
}

/// With the network of this machine, because the browser opens pages of programs that listen on its loopback interface.
fn start_in_docker() -> anyhow::Result<WebDriver> {
    let port = free_port()?;
    let name = format!("undertone-test-browser-{}", std::process::id());
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--name", &name, "--network", "host", "--shm-size", "1g"]);
    for variable in [
        &format!("SE_OPTS=--port {port}"),
        "SE_BIND_HOST=127.0.0.1",
        "SE_NODE_MAX_SESSIONS=16",
        "SE_NODE_OVERRIDE_MAX_SESSIONS=true",
        "SE_START_VNC=false",
    ] {
        command.args(["--env", variable]);
    }
    command.arg("selenium/standalone-chromium");
    let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
    let mut server =
        Supervised::start(Plan { command, folder, stop: format!("docker stop --time 10 {name}") })?;
    let url = format!("http://127.0.0.1:{port}");
    // The first run fetches the image.
    server.wait_until(Duration::from_mins(10), || Ok(is_ready(&url)))?;
    Ok(WebDriver { url, _server: Some(server) })
}

fn is_ready(url: &str) -> bool {
    let status = request(&agent(), &format!("{url}/status"), None);
    status.is_ok_and(|status| status["ready"] == true)
}

/// Starts and ends a browser, so that a missing or another version is one error and not one of each test.
fn start_a_browser(url: &str) -> anyhow::Result<()> {
    let agent = agent();
    let arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"];
    let wanted = json!({"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}});
    let session = request(&agent, &format!("{url}/session"), Some(&json!({"capabilities": wanted})))
        .context("chromedriver cannot start a browser")?;
    let id = session["sessionId"].as_str().context("chromedriver returned no session")?;
    agent.delete(format!("{url}/session/{id}")).call()?;
    Ok(())
}

fn agent() -> Agent {
    let config = Agent::config_builder().timeout_global(Some(START)).http_status_as_error(false).proxy(None);
    config.build().into()
}

/// Sends a command of the WebDriver protocol and returns its value.
fn request(agent: &Agent, address: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let mut response = match body {
        Some(body) => agent.post(address).send_json(body)?,
        None => agent.get(address).call()?,
    };
    let answer: Value = response.body_mut().read_json()?;
    let value = &answer["value"];
    ensure!(response.status() == 200, "{}", value["message"].as_str().unwrap_or("no message"));
    Ok(value.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Whether the process `id` runs.
    fn is_running(id: u32) -> bool {
        let mut kill = Command::new("kill");
        kill.args(["-0", &id.to_string()]).stderr(std::process::Stdio::null());
        kill.status().unwrap().success()
    }

    #[test]
    fn browsers_end_with_their_driver() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_owned();
        let mut command = Command::new("sleep");
        command.arg("600");
        let driver = Supervised::start(Plan { command, folder, stop: STOP.to_owned() }).unwrap();
        let mut browser = Command::new("sleep").arg("600").spawn().unwrap();
        fs::create_dir(place.join("profile")).unwrap();
        symlink(format!("a-host-{}", browser.id()), place.join("profile/SingletonLock")).unwrap();
        assert!(is_running(browser.id()));
        drop(driver);
        assert!(!browser.wait().unwrap().success());
        assert!(!place.exists());
    }

    #[test]
    fn the_profiles_of_browsers_are_in_the_folder_of_the_driver() {
        let command = driver(Path::new("/tmp/x"), 9515);
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(arguments, ["TMPDIR=/tmp/x", "chromedriver", "--port=9515", "--log-level=WARNING"]);
    }
}

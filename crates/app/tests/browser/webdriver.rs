//! A browser under remote control: the part of the WebDriver protocol, with Chromium's commands of its developer tools
//! (CDP), that tests, pictures and measurements of the console need.
//!
//! Expressions run through `Runtime.evaluate`, which a page's Content-Security-Policy does not restrict.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use ureq::Agent;

/// The longest that a command may take on a slow, busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Chromium without a window. Without its sandbox, since it does not start with it as root nor in most containers; it
/// opens pages of the program under test only.
const ARGUMENTS: [&str; 3] = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"];

/// One browser with one page and a new profile; it ends when this value is dropped.
pub(crate) struct Session {
    agent: Agent,
    address: String,
}

/// How a page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) theme: Theme,
}

/// The value of `prefers-color-scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 2] = [Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A key of the keyboard that writes no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Tab,
    BackTab,
    Enter,
    Escape,
    Down,
    Left,
    Right,
    Delete,
    SelectAll,
}

impl Key {
    /// Its characters in the WebDriver protocol, pressed in this order and released in the reverse order.
    fn codes(self) -> &'static [char] {
        match self {
            Self::Tab => &['\u{E004}'],
            Self::BackTab => &['\u{E008}', '\u{E004}'],
            Self::Enter => &['\u{E007}'],
            Self::Escape => &['\u{E00C}'],
            Self::Down => &['\u{E015}'],
            Self::Left => &['\u{E012}'],
            Self::Right => &['\u{E014}'],
            Self::Delete => &['\u{E017}'],
            Self::SelectAll => &['\u{E009}', 'a'],
        }
    }
}

/// A line that the browser logged: of the console, of the network, of a policy that a page violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) level: String,
    /// Such as `console-api`, `javascript`, `network` or `security`.
    pub(crate) source: String,
    pub(crate) message: String,
}

/// What assistive technology learns about an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) is_disabled: bool,
}

impl Session {
    /// Starts a browser through the driver at an address.
    pub(crate) fn start(driver: &str) -> anyhow::Result<Self> {
        let config = Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false);
        let mut session = Self { agent: config.proxy(None).build().into(), address: driver.to_owned() };
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"args": ARGUMENTS},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let capabilities = json!({"capabilities": {"alwaysMatch": wanted}});
        let started = session.post("/session", &capabilities).context("cannot start a browser")?;
        let id = started["sessionId"].as_str().context("the driver returned no session")?;
        session.address = format!("{driver}/session/{id}");
        Ok(session)
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&self, url: &str) -> anyhow::Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Shows pages at this size and in this theme, without animations.
    pub(crate) fn set_view(&self, view: View) -> anyhow::Result<()> {
        let View { width, height, theme } = view;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics)?;
        let features = json!([
            {"name": "prefers-color-scheme", "value": theme.name()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Runs `script` at the beginning of every page that is opened from now on, before its own scripts.
    pub(crate) fn run_first(&self, script: &str) -> anyhow::Result<()> {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script })).map(drop)
    }

    /// Returns the value of an expression of JavaScript, of its result if it is a promise.
    ///
    /// # Errors
    /// An exception of the page.
    pub(crate) fn evaluate(&self, expression: &str) -> anyhow::Result<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        value(self.cdp("Runtime.evaluate", &parameters)?)
    }

    /// Returns the elements of a role that assistive technology sees, in the order of the page.
    pub(crate) fn nodes(&self, role: &str) -> anyhow::Result<Vec<Node>> {
        let document = self.cdp("Runtime.evaluate", &json!({"expression": "document"}))?;
        let within = json!({"objectId": document["result"]["objectId"], "role": role});
        let found = self.cdp("Accessibility.queryAXTree", &within)?;
        Ok(found["nodes"].as_array().into_iter().flatten().filter_map(node).collect())
    }

    /// Returns the element that has the focus.
    pub(crate) fn focused(&self) -> anyhow::Result<Option<Node>> {
        let active = json!({"expression": "document.activeElement"});
        let active = self.cdp("Runtime.evaluate", &active)?;
        let about = json!({"objectId": active["result"]["objectId"], "fetchRelatives": false});
        let tree = self.cdp("Accessibility.getPartialAXTree", &about)?;
        Ok(node(&tree["nodes"][0]))
    }

    /// Presses and releases a key.
    pub(crate) fn press(&self, key: Key) -> anyhow::Result<()> {
        self.press_all(key.codes())
    }

    /// Types a text, character by character.
    pub(crate) fn type_text(&self, text: &str) -> anyhow::Result<()> {
        text.chars().try_for_each(|character| self.press_all(&[character]))
    }

    fn press_all(&self, codes: &[char]) -> anyhow::Result<()> {
        let action = |kind: &str, code: &char| json!({"type": kind, "value": code});
        let down = codes.iter().map(|code| action("keyDown", code));
        let up = codes.iter().rev().map(|code| action("keyUp", code));
        let actions: Vec<_> = down.chain(up).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", &json!({"actions": [keyboard]})).map(drop)
    }

    /// Returns what the browser logged since the last call.
    pub(crate) fn take_log(&self) -> anyhow::Result<Vec<LogLine>> {
        let lines = self.post("/se/log", &json!({"type": "browser"}))?;
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let lines = lines.as_array().into_iter().flatten();
        Ok(lines
            .map(|line| LogLine {
                level: text(line, "level"),
                source: text(line, "source"),
                message: text(line, "message"),
            })
            .collect())
    }

    /// Returns a picture of the visible part of the page, in PNG.
    pub(crate) fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let picture = self.cdp("Page.captureScreenshot", &json!({"format": "png"}))?;
        Ok(BASE64_STANDARD.decode(picture["data"].as_str().context("no picture")?)?)
    }

    /// Sends a command of the developer tools.
    pub(crate) fn cdp(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut response = self.agent.post(format!("{}{path}", self.address)).send_json(body)?;
        let config = response.body_mut().with_config().limit(64 * 1024 * 1024);
        let mut answer: Value = config.read_json()?;
        let value = answer["value"].take();
        let message = value["message"].as_str().unwrap_or("no message");
        ensure!(response.status() == 200, "{path} {}: {message}", body["cmd"].as_str().unwrap_or_default());
        Ok(value)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.agent.delete(&self.address).call());
    }
}

/// Returns the value of an evaluation, or its exception.
fn value(mut evaluated: Value) -> anyhow::Result<Value> {
    if let Some(exception) = evaluated.get("exceptionDetails") {
        let description = exception["exception"]["description"].as_str().or(exception["text"].as_str());
        return Err(anyhow!("{}", description.unwrap_or("an exception")));
    }
    Ok(evaluated["result"]["value"].take())
}

/// Reads an element; none if assistive technology does not see it.
fn node(node: &Value) -> Option<Node> {
    let text = |name: &str| match &node[name]["value"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut properties = node["properties"].as_array().into_iter().flatten();
    let is_disabled =
        properties.any(|property| property["name"] == "disabled" && property["value"]["value"] == true);
    let is_seen = node["ignored"] != true;
    is_seen.then(|| Node { role: text("role"), name: text("name"), value: text("value"), is_disabled })
}

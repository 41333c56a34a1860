//! A page of the program in a browser, as a user of assistive technology finds their way in it: by roles and names.
//!
//! A page that is dropped checks that the browser logged no error: no exception, no failed request, no violation of the
//! Content-Security-Policy.

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use crate::undertone::{Undertone, wait_for};
use crate::webdriver::{Key, LogLine, Node, Session, Theme, View};

pub(crate) const WIDE: View = View { width: 1280, height: 800, theme: Theme::Light };

/// Reports violations of the policy, which the browser's log does not have in every case.
const REPORT_VIOLATIONS: &str = r#"
addEventListener("securitypolicyviolation", event => {
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI} in ${event.sourceFile}`);
});
"#;

/// axe-core 4.14.1, <https://github.com/dequelabs/axe-core>.
const AXE: &str = include_str!("assets/axe.min.js");
/// The success criteria that are checked: WCAG 2.2, levels A and AA.
const CRITERIA: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// More stops of the Tab key than any page has.
const STOPS: usize = 400;

pub(crate) struct Page {
    session: Session,
    base: String,
    /// Parts of the lines about failed requests that are no errors in this test.
    expected: Vec<&'static str>,
}

impl Page {
    /// Starts a browser and opens `path`, such as `/console/#/try`.
    pub(crate) fn open(running: &Undertone, path: &str) -> Self {
        let page = Self::new(&running.address);
        page.visit(path);
        page
    }

    /// Starts a browser that has opened nothing of the program at `address` yet.
    pub(crate) fn new(address: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the test runner names the driver in this variable")]
        let driver = std::env::var("TEST_WEBDRIVER_URL").expect(
            "TEST_WEBDRIVER_URL names a WebDriver of Chromium for tests; `cargo xtask test` brings one",
        );
        let session = Session::start(&driver).unwrap();
        session.run_first(REPORT_VIOLATIONS).unwrap();
        session.set_view(WIDE).unwrap();
        Self { session, base: format!("http://{address}"), expected: Vec::new() }
    }

    /// Opens another document of the program.
    pub(crate) fn visit(&self, path: &str) {
        self.session.open(&format!("{}{path}", self.base)).unwrap();
    }

    /// Goes to another address of the same document, such as `#/history`.
    pub(crate) fn go(&self, hash: &str) {
        self.evaluate(&format!("void (location.hash = {})", json!(hash)));
    }

    pub(crate) fn set_view(&self, view: View) {
        self.session.set_view(view).unwrap();
    }

    /// From now on a failed request is part of the test and no error if the browser's line about it contains `part`,
    /// such as `status of 401`.
    pub(crate) fn let_requests_fail(&mut self, part: &'static str) {
        self.expected.push(part);
    }

    /// Lets requests to addresses that match one of the patterns fail, such as `*://*:*/api/v1/me`; none if there is no
    /// pattern.
    pub(crate) fn block(&self, patterns: &[&str]) {
        let patterns: Vec<_> = patterns.iter().map(|url| json!({"urlPattern": url, "block": true})).collect();
        self.session.cdp("Network.enable", &json!({})).unwrap();
        self.session.cdp("Network.setBlockedURLs", &json!({ "urlPatterns": patterns })).unwrap();
    }

    /// Returns the element of this role and name, once there is one.
    #[track_caller]
    pub(crate) fn see(&self, role: &str, name: &str) -> Node {
        self.see_where(role, name, |node| node.name == name)
    }

    /// Returns the first element of this role whose name contains `part`, once there is one.
    #[track_caller]
    pub(crate) fn see_like(&self, role: &str, part: &str) -> Node {
        self.see_where(role, part, |node| node.name.contains(part))
    }

    #[track_caller]
    fn see_where(&self, role: &str, name: &str, is_it: impl Fn(&Node) -> bool) -> Node {
        // While a document is replaced by another, it cannot be asked.
        let found = || self.session.nodes(role).ok()?.into_iter().find(&is_it);
        self.wait_for(&format!("the {role} {name:?}"), found)
    }

    /// Waits until there is no element of this role and name.
    pub(crate) fn see_no(&self, role: &str, name: &str) {
        let is_gone = |nodes: Vec<Node>| nodes.iter().all(|node| node.name != name);
        self.wait_for(&format!("no {role} {name:?}"), || {
            self.session.nodes(role).is_ok_and(is_gone).then_some(())
        });
    }

    /// Returns the elements of this role.
    pub(crate) fn all(&self, role: &str) -> Vec<Node> {
        self.session.nodes(role).unwrap()
    }

    /// Waits until the page shows a text.
    pub(crate) fn read(&self, text: &str) {
        self.wait_for(&format!("the text {text:?}"), || self.text().contains(text).then_some(()));
    }

    /// Returns the text of the page.
    pub(crate) fn text(&self) -> String {
        self.evaluate("document.body.innerText").as_str().expect("a text").to_owned()
    }

    /// Returns the value of an expression of JavaScript.
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        self.session.evaluate(expression).unwrap()
    }

    pub(crate) fn press(&self, key: Key) {
        self.session.press(key).unwrap();
    }

    pub(crate) fn type_text(&self, text: &str) {
        self.session.type_text(text).unwrap();
    }

    /// Inserts a text where the focus is, as an input method does.
    pub(crate) fn insert(&self, text: &str) {
        self.session.cdp("Input.insertText", &json!({ "text": text })).unwrap();
    }

    /// Gives the API key that the console asks for.
    pub(crate) fn unlock(&self, key: &str) {
        self.tab_to("textbox", "API key or token");
        self.insert(key);
        self.press(Key::Enter);
        self.see_no("textbox", "API key or token");
    }

    /// Returns the element that has the focus.
    pub(crate) fn focused(&self) -> Option<Node> {
        self.session.focused().unwrap()
    }

    /// Presses Tab until the element of this role and name has the focus.
    pub(crate) fn tab_to(&self, role: &str, name: &str) {
        self.tab_to_where(role, name, |node| node.name == name);
    }

    /// Presses Tab until an element of this role has the focus whose name contains `part`.
    pub(crate) fn tab_to_like(&self, role: &str, part: &str) {
        self.tab_to_where(role, part, |node| node.name.contains(part));
    }

    fn tab_to_where(&self, role: &str, name: &str, is_it: impl Fn(&Node) -> bool + Copy) {
        let is_it = |node: &Node| node.role == role && is_it(node);
        self.see_where(role, name, is_it);
        let mut stops = Vec::new();
        for _ in 0..STOPS {
            if let Some(focused) = self.focused() {
                if is_it(&focused) {
                    return;
                }
                stops.push(format!("{} {:?}", focused.role, focused.name));
            }
            self.press(Key::Tab);
        }
        stops.dedup();
        panic!("no Tab leads to the {role} {name:?}, only to {}", stops.join(", "));
    }

    /// Goes to the element of this role and name by Tab, and presses Enter.
    pub(crate) fn enter(&self, role: &str, name: &str) {
        self.tab_to(role, name);
        self.press(Key::Enter);
    }

    /// Checks the page as it is now with axe.
    #[track_caller]
    pub(crate) fn check_accessibility(&self, state: &str) {
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "{state}: {} violations:\n{}",
            violations.len(),
            violations.join("\n")
        );
    }

    /// Returns what axe objects to in the page as it is now: the rule, the element and what to do.
    pub(crate) fn violations(&self) -> Vec<String> {
        if self.evaluate("typeof window.axe") == "undefined" {
            self.evaluate(&format!("{AXE}\nvoid 0"));
        }
        let options = json!({"runOnly": {"type": "tag", "values": CRITERIA}, "resultTypes": ["violations"]});
        let found = self.evaluate(&format!("axe.run(document, {options}).then(result => result.violations)"));
        found.as_array().expect("violations").iter().flat_map(described).collect()
    }

    /// Returns the errors and warnings that the browser logged since the last call.
    pub(crate) fn take_errors(&self) -> Vec<LogLine> {
        let mut lines = self.session.take_log().unwrap();
        lines.retain(|line| matches!(line.level.as_str(), "SEVERE" | "WARNING"));
        let is_expected = |line: &LogLine| self.expected.iter().any(|part| line.message.contains(part));
        lines.retain(|line| !(line.source == "network" && is_expected(line)));
        lines
    }

    /// Waits until an expression of JavaScript is true.
    #[track_caller]
    pub(crate) fn wait_until(&self, expression: &str) {
        self.wait_for(expression, || (self.evaluate(expression) == Value::Bool(true)).then_some(()));
    }

    fn wait_for<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        wait_for(&format!("{what} at {}", self.evaluate("location.href")), ask)
    }

    /// Writes a picture of the page and its text beside the build, and returns where.
    fn record(&self) -> String {
        let test = thread::current().name().unwrap_or("test").replace("::", "-");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let picture = folder.join(format!("{test}.png"));
        let written = self.session.picture().and_then(|bytes| Ok(fs::write(&picture, bytes)?));
        match written.and_then(|()| self.session.evaluate("document.body.innerText")) {
            Ok(shown) => format!("{} shows:\n{}", picture.display(), shown.as_str().unwrap_or_default()),
            Err(error) => format!("there is no picture: {error:#}"),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.session.take_log();
            eprintln!("{}\nthe browser's log: {log:#?}", self.record());
        } else {
            assert_eq!(self.take_errors(), [], "the browser logged errors");
        }
    }
}

/// Describes a violation, a line for each element.
fn described(violation: &Value) -> Vec<String> {
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    let summary = |node: &Value| node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
    nodes.map(|node| format!("{}: {}: {}", violation["id"], node["target"], summary(node))).collect()
}

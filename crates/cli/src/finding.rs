use serde::Serialize;

/// What one check of `undertone doctor` has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, in one or two words.
    #[serde(rename = "check")]
    pub subject: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do; none where nothing is to be done.
    pub advice: Option<String>,
}

/// Whether what was checked is as it should be. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Ok,
    /// The service works, but not as well or as safely as it could.
    Warn,
    /// The service does not start, or does not work.
    Fail,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &'static str, seen: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Ok, seen: seen.into(), advice: None }
    }

    /// The service works, but something is to be done.
    pub fn warn(subject: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Warn, seen: seen.into(), advice: Some(advice.into()) }
    }

    /// The service does not work until something is done.
    pub fn fail(subject: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Fail, seen: seen.into(), advice: Some(advice.into()) }
    }

    /// The service does not work because of `error`, whose words after the last semicolon are what to do, if there is
    /// one; else `advice` is.
    pub fn of_error(subject: &'static str, error: &str, advice: &str) -> Self {
        match error.rsplit_once("; ") {
            Some((seen, advice)) => Self::fail(subject, seen, advice),
            None => Self::fail(subject, error, advice),
        }
    }
}

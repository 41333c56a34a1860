//! What the environment says about the hub, as all Hugging Face tools read it.
//!
//! Source: <https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// `HF_ENDPOINT`, else the public hub.
pub(super) fn endpoint() -> String {
    variable("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned())
}

/// `HF_HUB_CACHE`, else the folder `hub` of [`home`].
pub(super) fn cache_folder() -> PathBuf {
    let cache = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE"));
    cache.map_or_else(|| home().join("hub"), PathBuf::from)
}

/// `HF_TOKEN`, else the content of the file `HF_TOKEN_PATH`, else of the file `token` of [`home`], which
/// `hf auth login` writes. None with `HF_HUB_DISABLE_IMPLICIT_TOKEN`.
pub(super) fn token() -> Option<String> {
    if variable("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some() {
        return None;
    }
    let of_file = |path: &Path| {
        let token = fs::read_to_string(path).ok()?.trim().to_owned();
        (!token.is_empty()).then_some(token)
    };
    variable("HF_TOKEN")
        .or_else(|| of_file(Path::new(&variable("HF_TOKEN_PATH")?)))
        .or_else(|| of_file(&home().join("token")))
}

/// Whether the hub must not be contacted: `configured`, else whether `HF_HUB_OFFLINE` is a word that Hugging Face's
/// tools read as yes.
pub(super) fn is_offline(configured: Option<bool>) -> bool {
    offline(configured, variable("HF_HUB_OFFLINE").as_deref())
}

fn offline(configured: Option<bool>, variable: Option<&str>) -> bool {
    let is_yes =
        |word: &str| ["1", "on", "yes", "true"].iter().any(|yes| word.trim().eq_ignore_ascii_case(yes));
    configured.unwrap_or_else(|| variable.is_some_and(is_yes))
}

/// `HF_HOME`, else `huggingface` in the user's cache folder.
fn home() -> PathBuf {
    let cache = || variable("XDG_CACHE_HOME").map(PathBuf::from);
    let user = || Path::new(&variable("HOME").unwrap_or_else(|| "/tmp".to_owned())).join(".cache");
    variable("HF_HOME").map_or_else(|| cache().unwrap_or_else(user).join("huggingface"), PathBuf::from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "settings shared with other tools, not Undertone's configuration"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_offline_where_the_configuration_says_nothing() {
        for (word, expected) in
            [(Some("1"), true), (Some("True"), true), (Some("0"), false), (Some(""), false), (None, false)]
        {
            assert_eq!(offline(None, word), expected, "{word:?}");
        }
        assert!(!offline(Some(false), Some("1")) && offline(Some(true), None));
    }
}

//! Tells whether a model is a folder or on the Hugging Face hub.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use infra_ml::{HubModel, HubSettings, ModelSource};

use crate::model_folder;

/// What a name on the hub may begin with, so that no folder can be meant.
const HUB: &str = "hf:";

/// Where the configured model is; without one, the bundled model's folder.
///
/// `hf:org/name[@revision]` is on the hub. So is `org/name[@revision]` where there is no such file or folder. Everything
/// else is a folder.
///
/// # Errors
/// A name on the hub that is none, or a folder that cannot be found.
pub(crate) fn find(configured: Option<&Path>, hub: &Arc<HubSettings>) -> anyhow::Result<ModelSource> {
    match on_hub(configured).transpose().context("configuration: model.path")? {
        Some(model) => Ok(ModelSource::Hub { model, hub: Arc::clone(hub) }),
        None => Ok(ModelSource::Folder(model_folder::find(configured)?)),
    }
}

fn on_hub(configured: Option<&Path>) -> Option<Result<HubModel, infra_ml::HubModelError>> {
    let path = configured?;
    let text = path.to_str()?;
    if let Some(name) = text.strip_prefix(HUB) {
        return Some(name.parse());
    }
    let repo = text.split('@').next().unwrap_or(text);
    let looks_like_a_path =
        text.starts_with(['/', '.', '~']) || repo.ends_with('/') || repo.split('/').count() != 2;
    if looks_like_a_path || path.exists() { None } else { Some(text.parse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub_model(text: &str) -> Option<String> {
        on_hub(Some(Path::new(text))).map(|model| model.unwrap().to_string())
    }

    #[test]
    fn an_owner_and_a_name_are_on_the_hub_unless_there_is_such_a_folder() {
        // The jail keeps the working directory from other tests.
        figment::Jail::expect_with(|jail| {
            jail.create_dir("org/folder")?;
            assert_eq!(hub_model("org/name").as_deref(), Some("org/name@main"));
            assert_eq!(hub_model("org/name@v1").as_deref(), Some("org/name@v1"));
            assert_eq!(hub_model("org/name@refs/pr/1").as_deref(), Some("org/name@refs/pr/1"));
            assert_eq!(hub_model("org/folder"), None);
            assert_eq!(hub_model("hf:org/folder").as_deref(), Some("org/folder@main"));
            assert_eq!(hub_model("hf:gpt2").as_deref(), Some("gpt2@main"));
            Ok(())
        });
    }

    #[test]
    fn what_looks_like_a_path_is_a_folder() {
        for path in ["./name", "../org/name", "/org/name", "~/name", "a/b/c", "name", "org/", "."] {
            assert!(on_hub(Some(Path::new(path))).is_none(), "{path}");
        }
        assert!(on_hub(None).is_none());
    }

    #[test]
    fn a_malformed_name_is_an_error_of_the_configuration() {
        for wrong in ["org/na me", "org/name@", "hf:", "hf:a/b/c", "org/name@.."] {
            let error = find(Some(Path::new(wrong)), &Arc::default()).expect_err(wrong);
            let error = format!("{error:#}");
            assert!(error.contains("model.path") && error.contains("org/name@revision"), "{error}");
        }
    }
}

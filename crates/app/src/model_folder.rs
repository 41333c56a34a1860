//! Finds the model's folder: where it was configured, in the clone one works in, or beside the program.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The model that comes with Undertone.
const BUNDLED: &str = "sentiment-minilm-l6";

/// The model's folder.
///
/// A configured path is taken as it is, or as the name of a folder under a `models/` that can be found; without
/// one it is the bundled model. `models/` is looked for in the working directory and those above it, then beside
/// the program and in the folders above that, then in `../share/undertone/` from the program.
///
/// # Errors
/// Where nothing is found: what was looked for, where, and what to do.
pub(crate) fn find(configured: Option<&Path>) -> anyhow::Result<PathBuf> {
    let name = match configured {
        Some(path) if path.is_dir() => return Ok(path.to_owned()),
        Some(path) if path.components().count() > 1 => {
            anyhow::bail!(
                "there is no model folder {}; set model.path to a Hugging Face folder with \
                config.json, tokenizer.json and model.safetensors",
                path.display()
            )
        }
        Some(path) => path.to_owned(),
        None => PathBuf::from(BUNDLED),
    };
    let places = places()?;
    let candidates = places.iter().map(|place| place.join("models").join(&name));
    candidates.into_iter().find(|folder| folder.is_dir()).with_context(|| {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        format!(
            "there is no model folder models/{} in {}; run inside a clone, put the folder beside the program, \
             or set model.path",
            name.display(),
            places.join(", ")
        )
    })
}

/// The folder's own name.
pub(crate) fn name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn places() -> anyhow::Result<Vec<PathBuf>> {
    let working = env::current_dir().context("the working directory cannot be told")?;
    let program = env::current_exe().context("the program's own place cannot be told")?;
    let mut places: Vec<PathBuf> = working.ancestors().map(Path::to_owned).collect();
    let beside = program.parent().unwrap_or(&program);
    places.extend(beside.ancestors().map(Path::to_owned));
    places.extend(beside.parent().map(|prefix| prefix.join("share").join("undertone")));
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_model_is_found_from_inside_the_clone() {
        let folder = find(None).expect("found");
        assert!(folder.ends_with("models/sentiment-minilm-l6"));
        assert!(folder.join("config.json").is_file());
        assert_eq!(name(&folder), "sentiment-minilm-l6");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_says_what_to_do() {
        for wrong in ["no/such/folder", "no-such-name"] {
            let error = find(Some(Path::new(wrong))).expect_err(wrong).to_string();
            assert!(error.contains(wrong) && error.contains("model.path"), "{error}");
        }
    }
}

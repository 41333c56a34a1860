//! The dependency rule: `domain ← application ← {infra-*, http-actix, cli} ← app`, read from cargo's own metadata.
//!
//! [`layers`] has the allowed dependencies of each crate, [`rule`] compares them with the manifests, [`crate_roots`]
//! checks the first lines of each crate.

mod crate_roots;
mod layers;
mod rule;

use anyhow::bail;
use cargo_metadata::Metadata;

use crate::workspace::Workspace;

/// Checks the dependencies and the root of every crate.
///
/// # Errors
/// A line for each dependency that is not allowed, and for each crate root without its first lines.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let metadata = workspace.manifests()?;
    let mut broken = broken_edges(&metadata);
    broken.extend(crate_roots::faults(&metadata)?);
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    eprintln!("boundaries: {} crates follow the dependency rule", metadata.workspace_members.len());
    Ok(())
}

/// Returns a line for each declared dependency that the layers do not allow, such as
/// `domain -> serde: domain may depend on nothing`.
fn broken_edges(metadata: &Metadata) -> Vec<String> {
    rule::violations(&rule::packages(metadata), layers::LAYERS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::workspace::manifests_in;

    /// A copy of the workspace: its manifests as they are, its sources as empty files.
    fn copied_workspace() -> TempDir {
        let workspace = Workspace::new().unwrap();
        let copy = tempfile::tempdir().unwrap();
        fs::copy(workspace.root().join("Cargo.toml"), copy.path().join("Cargo.toml")).unwrap();
        copy_crates(&workspace.root().join("crates"), &copy.path().join("crates"));
        copy
    }

    fn copy_crates(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            if path.is_dir() {
                copy_crates(&path, &to.join(name));
            } else if name == "Cargo.toml" {
                fs::copy(path, to.join(name)).unwrap();
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                fs::write(to.join(name), "").unwrap();
            }
        }
    }

    /// Returns the check's lines after `line` was added to `table` in the manifest of `package`.
    fn with_line(package: &str, table: &str, line: &str) -> Vec<String> {
        let copy = copied_workspace();
        let file = copy.path().join("crates").join(package).join("Cargo.toml");
        let manifest = fs::read_to_string(&file).unwrap();
        let head = format!("[{table}]\n");
        let manifest = match manifest.split_once(&head) {
            Some((before, after)) => format!("{before}{head}{line}\n{after}"),
            None => format!("{manifest}\n{head}{line}\n"),
        };
        fs::write(&file, manifest).unwrap();
        broken_edges(&manifests_in(copy.path()).unwrap())
    }

    #[test]
    fn the_workspace_follows_the_rule() {
        assert_eq!(broken_edges(&manifests_in(copied_workspace().path()).unwrap()), Vec::<String>::new());
    }

    #[test]
    fn serde_in_domain_is_refused() {
        assert_eq!(
            with_line("domain", "dependencies", "serde.workspace = true"),
            ["domain -> serde: domain may depend on nothing"]
        );
    }

    #[test]
    fn actix_web_in_application_is_refused() {
        assert_eq!(
            with_line("application", "dependencies", "actix-web.workspace = true"),
            ["application -> actix-web: actix-* belongs to http-actix"]
        );
    }

    #[test]
    fn infra_sqlite_in_http_actix_is_refused() {
        assert_eq!(
            with_line("http-actix", "dependencies", "infra-sqlite.workspace = true"),
            [
                "http-actix -> infra-sqlite: of this workspace http-actix may depend on application and domain alone"
            ]
        );
    }

    #[test]
    fn candle_core_in_infra_postgres_is_refused() {
        assert_eq!(
            with_line("infra-postgres", "dependencies", "candle-core.workspace = true"),
            ["infra-postgres -> candle-core: candle-* belongs to infra-ml"]
        );
    }

    #[test]
    fn infra_ml_in_http_actix_is_refused() {
        assert_eq!(
            with_line("http-actix", "dependencies", "infra-ml.workspace = true"),
            [
                "http-actix -> infra-ml: of this workspace http-actix may depend on application and domain alone"
            ]
        );
    }

    #[test]
    fn the_stores_codec_knows_no_database_and_no_other_adapter_knows_it() {
        assert_eq!(
            with_line("store-codec", "dependencies", "sqlx.workspace = true"),
            ["store-codec -> sqlx: sqlx belongs to infra-postgres and infra-sqlite"]
        );
        assert_eq!(
            with_line("store-codec", "dependencies", "tokio.workspace = true"),
            ["store-codec -> tokio: tokio is not on the list of store-codec"]
        );
        assert_eq!(
            with_line("infra-local", "dependencies", "store-codec.workspace = true"),
            [
                "infra-local -> store-codec: of this workspace infra-local may depend on application and domain alone"
            ]
        );
    }

    #[test]
    fn dev_and_build_dependencies_have_their_own_lists() {
        assert_eq!(
            with_line("domain", "dev-dependencies", "serde_json.workspace = true"),
            ["domain -> serde_json (dev): serde_json is not on the dev list of domain"]
        );
        assert_eq!(
            with_line("application", "build-dependencies", "serde_json.workspace = true"),
            ["application -> serde_json (build): serde_json is not on the build list of application"]
        );
        assert_eq!(
            with_line("application", "dependencies", "tokio.workspace = true"),
            ["application -> tokio: tokio is not on the list of application"]
        );
    }

    #[test]
    fn neither_another_name_nor_a_target_nor_an_option_hides_an_edge() {
        let expected = ["infra-local -> sqlx: sqlx belongs to infra-postgres and infra-sqlite"];
        let renamed = "store = { package = \"sqlx\", version = \"0.9\" }";
        assert_eq!(with_line("infra-local", "dependencies", renamed), expected);
        assert_eq!(with_line("infra-local", "target.'cfg(unix)'.dependencies", renamed), expected);
        let optional = "sqlx = { workspace = true, optional = true }";
        assert_eq!(with_line("infra-local", "dependencies", optional), expected);
    }
}

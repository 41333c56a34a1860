use std::collections::BTreeSet;
use std::fmt;

use cargo_metadata::{DependencyKind, Metadata};

use super::layers::{Layer, OWNED};

/// A crate of the workspace and the dependencies that its manifest declares.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Debug)]
pub(super) struct Dependency {
    /// The package's own name, also where the manifest renames it.
    pub(super) name: String,
    /// Whether it is a crate of this workspace.
    pub(super) inside: bool,
    pub(super) table: Table,
}

/// The table that a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Normal,
    Dev,
    Build,
}

/// Returns the crates of the workspace with their dependencies.
pub(super) fn packages(metadata: &Metadata) -> Vec<Package> {
    let members = metadata.workspace_packages();
    let names: BTreeSet<String> = members.iter().map(|member| member.name.to_string()).collect();
    let dependency = |declared: &cargo_metadata::Dependency| Dependency {
        name: declared.name.clone(),
        inside: declared.path.is_some() && names.contains(&declared.name),
        table: match declared.kind {
            DependencyKind::Development => Table::Dev,
            DependencyKind::Build => Table::Build,
            _ => Table::Normal,
        },
    };
    let package = |member: &&cargo_metadata::Package| Package {
        name: member.name.to_string(),
        dependencies: member.dependencies.iter().map(dependency).collect(),
    };
    members.iter().map(package).collect()
}

/// Returns a line for each dependency that `layers` does not allow.
pub(super) fn violations(packages: &[Package], layers: &[Layer]) -> Vec<String> {
    let mut lines = Vec::new();
    for package in packages {
        let Some(layer) = layers.iter().find(|layer| layer.name == package.name) else {
            lines.push(format!("{} has no layer: add one in {LISTS}", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if let Some(reason) = refusal(layer, dependency) {
                lines.push(format!("{} -> {}{}: {reason}", package.name, dependency.name, dependency.table));
            }
        }
    }
    lines
}

const LISTS: &str = "crates/xtask/src/boundaries/layers.rs";

/// Returns why `layer` may not depend on `dependency`; `None` if it may.
fn refusal(layer: &Layer, dependency: &Dependency) -> Option<String> {
    let Dependency { name, inside, table } = dependency;
    if layer.allows(name, *inside, *table) {
        return None;
    }
    if *table == Table::Normal && layer.inside.is_empty() && layer.outside.is_empty() {
        return Some(format!("{} may depend on nothing", layer.name));
    }
    if let Some(owned) = OWNED.iter().find(|owned| !inside && owned.names(name)) {
        return Some(format!("{} belongs to {}", owned.pattern, join(owned.owners)));
    }
    Some(match (inside, table) {
        (true, Table::Normal) => {
            format!("of this workspace {} may depend on {} alone", layer.name, join(layer.inside))
        }
        (_, Table::Normal) => format!("{name} is not on the list of {}", layer.name),
        (_, Table::Dev) => format!("{name} is not on the dev list of {}", layer.name),
        (_, Table::Build) => format!("{name} is not on the build list of {}", layer.name),
    })
}

fn join(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => Ok(()),
            Self::Dev => out.write_str(" (dev)"),
            Self::Build => out.write_str(" (build)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::LAYERS;
    use super::*;

    fn refused(from: &str, to: &str, inside: bool, table: Table) -> bool {
        let dependencies = vec![Dependency { name: to.to_owned(), inside, table }];
        !violations(&[Package { name: from.to_owned(), dependencies }], LAYERS).is_empty()
    }

    #[test]
    fn nothing_depends_on_the_program() {
        for layer in LAYERS {
            for table in [Table::Normal, Table::Dev, Table::Build] {
                assert!(refused(layer.name, "app", true, table), "{}", layer.name);
            }
        }
    }

    #[test]
    fn adapters_never_depend_on_one_another() {
        let adapters: Vec<&str> =
            LAYERS.iter().map(|layer| layer.name).filter(|name| is_adapter(name)).collect();
        assert!(adapters.len() >= 5, "{adapters:?}");
        for from in &adapters {
            for to in &adapters {
                assert!(refused(from, to, true, Table::Normal), "{from} -> {to}");
            }
        }
    }

    fn is_adapter(name: &str) -> bool {
        name.starts_with("infra-") || ["http-actix", "cli"].contains(&name)
    }

    #[test]
    fn only_the_owners_of_a_technology_list_it() {
        for (owned, layer) in OWNED.iter().flat_map(|owned| LAYERS.iter().map(move |layer| (owned, layer))) {
            let listed = layer.outside.iter().copied().flatten().any(|name| owned.names(name));
            assert!(!listed || owned.owners.contains(&layer.name), "{} lists {}", layer.name, owned.pattern);
        }
    }

    #[test]
    fn a_package_from_a_registry_is_no_crate_of_the_same_name() {
        assert!(!refused("application", "domain", true, Table::Normal));
        assert!(refused("application", "domain", false, Table::Normal));
    }

    #[test]
    fn a_crate_without_a_layer_is_refused() {
        let newcomer = Package { name: "newcomer".to_owned(), dependencies: Vec::new() };
        let lines = violations(&[newcomer], LAYERS);
        assert_eq!(lines, [format!("newcomer has no layer: add one in {LISTS}")]);
    }
}

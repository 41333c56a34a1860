//! Which file of a crate imports which: `use` items and qualified paths, resolved to the files that define the items.
//!
//! The name resolution is that of Rust as far as this workspace needs it: `crate`, `self`, `super`, child modules, and
//! names that a module imports or re-exports, followed to their definition. It knows no glob re-exports, no `#[path]`,
//! and does not look into macro calls. What only tests see (`#[cfg(test)]`) is left out.

use std::collections::{BTreeMap, HashMap};

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

use super::source::Source;

/// For each file, the files that it imports, each with the line of the first import.
pub(super) type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// The imports among `sources`, the files of the crate whose root is in the folder `root`.
///
/// A file that only declares and re-exports modules imports nothing, and importing it as a module counts for nothing.
pub(super) fn imports<'a>(root: &str, sources: &[&'a Source]) -> Imports<'a> {
    let mut modules = Modules::default();
    for source in sources {
        modules.declare(module_of(root, &source.file), source, &source.syntax.items);
    }
    let mut imports = Imports::new();
    for source in sources.iter().filter(|source| !is_facade(&source.syntax.items)) {
        let module = module_of(root, &source.file);
        let mut visitor = Visitor { modules: &modules, source, module, imports: BTreeMap::new() };
        visitor.visit_file(&source.syntax);
        imports.insert(&source.file, visitor.imports);
    }
    imports
}

/// `["ports", "clock"]` for `ports/clock.rs` below the root, nothing for the crate's root itself.
fn module_of(root: &str, file: &str) -> Vec<String> {
    let name = file.strip_prefix(root).unwrap_or(file).trim_start_matches('/');
    match name.strip_suffix(".rs").unwrap_or(name) {
        "lib" | "main" => Vec::new(),
        name => name.split('/').map(str::to_owned).collect(),
    }
}

/// Whether a file has nothing but modules, imports and re-exports.
fn is_facade(items: &[Item]) -> bool {
    items.iter().all(|item| match item {
        Item::Mod(module) => module.content.is_none() || is_for_tests(&module.attrs),
        Item::Use(_) => true,
        _ => false,
    })
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |meta: &Meta| match meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    attributes.iter().any(|attribute| is_test(&attribute.meta))
}

/// Every module of a crate by its path.
#[derive(Default)]
struct Modules<'a> {
    modules: HashMap<Vec<String>, Module<'a>>,
}

struct Module<'a> {
    source: &'a Source,
    /// The paths that it imports or re-exports, by the names that they have here.
    names: HashMap<String, Vec<String>>,
}

/// What a path leads to.
enum Target<'a> {
    Module(Vec<String>),
    /// An item, by the file that defines it.
    Item(&'a Source),
}

impl<'a> Modules<'a> {
    fn declare(&mut self, path: Vec<String>, source: &'a Source, items: &'a [Item]) {
        let mut names = HashMap::new();
        for item in items {
            match item {
                Item::Use(import) => {
                    for leaf in leaves(import) {
                        names.extend(leaf.name.map(|name| (name.to_string(), leaf.path)));
                    }
                }
                Item::Mod(ItemMod { attrs, ident, content: Some((_, items)), .. })
                    if !is_for_tests(attrs) =>
                {
                    self.declare(child(&path, ident.to_string()), source, items);
                }
                _ => {}
            }
        }
        self.modules.insert(path, Module { source, names });
    }

    /// Resolves `path`, written in `module`; `None` for what is not in this crate. `hops` bounds the re-exports
    /// that are followed, since a name may stand for itself: `use uuid::uuid`.
    fn resolve(&self, module: &[String], path: &[String], hops: usize) -> Option<Target<'a>> {
        let hops = hops.checked_sub(1)?;
        let mut module = module.to_vec();
        for (index, segment) in path.iter().enumerate() {
            let is_last = index + 1 == path.len();
            match segment.as_str() {
                "crate" => module.clear(),
                "self" => {}
                "super" => drop(module.pop()),
                name => {
                    let here = self.modules.get(&module)?;
                    let below = child(&module, name.to_owned());
                    let renamed = here.names.get(name);
                    if self.modules.contains_key(&below) && !(is_last && renamed.is_some()) {
                        module = below;
                    } else if let Some(renamed) = renamed {
                        match self.resolve(&module, renamed, hops)? {
                            Target::Module(target) => module = target,
                            item @ Target::Item(_) => return Some(item),
                        }
                    } else {
                        // A first name that is unknown here is another crate or an item of this very file.
                        return (index > 0).then_some(Target::Item(here.source));
                    }
                }
            }
        }
        Some(Target::Module(module))
    }
}

fn child(module: &[String], name: String) -> Vec<String> {
    module.iter().cloned().chain([name]).collect()
}

/// One path of a `use` item.
struct Leaf<'a> {
    path: Vec<String>,
    /// The name by which it is known; none for a glob.
    name: Option<&'a Ident>,
}

fn leaves(import: &ItemUse) -> Vec<Leaf<'_>> {
    fn add<'a>(tree: &'a UseTree, mut path: Vec<String>, parent: Option<&'a Ident>, to: &mut Vec<Leaf<'a>>) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                add(&tree.tree, path, Some(&tree.ident), to);
            }
            UseTree::Name(tree) if tree.ident == "self" => to.push(Leaf { path, name: parent }),
            UseTree::Name(tree) => {
                to.push(Leaf { path: child(&path, tree.ident.to_string()), name: Some(&tree.ident) });
            }
            UseTree::Rename(tree) => {
                to.push(Leaf { path: child(&path, tree.ident.to_string()), name: Some(&tree.rename) });
            }
            UseTree::Glob(_) => to.push(Leaf { path, name: None }),
            UseTree::Group(tree) => tree.items.iter().for_each(|tree| add(tree, path.clone(), parent, to)),
        }
    }
    let mut found = Vec::new();
    add(&import.tree, Vec::new(), None, &mut found);
    found
}

struct Visitor<'a, 'm> {
    modules: &'m Modules<'a>,
    source: &'a Source,
    /// The module that is being visited.
    module: Vec<String>,
    imports: BTreeMap<&'a str, usize>,
}

impl Visitor<'_, '_> {
    fn add(&mut self, path: &[String], line: usize) {
        let target = match self.modules.resolve(&self.module, path, 16) {
            Some(Target::Item(source)) => source,
            Some(Target::Module(module)) => match self.modules.modules.get(&module) {
                Some(module) if !is_facade(&module.source.syntax.items) => module.source,
                _ => return,
            },
            None => return,
        };
        if target.file != self.source.file {
            self.imports.entry(&target.file).or_insert(line);
        }
    }
}

impl Visit<'_> for Visitor<'_, '_> {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        if !is_for_tests(&module.attrs) {
            self.module.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, import: &ItemUse) {
        for leaf in leaves(import) {
            self.add(&leaf.path, import.use_token.span.start().line);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if let Some(first) = path.segments.first().filter(|_| path.segments.len() > 1) {
            let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(&names, first.ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::ports)` imports nothing.
    fn visit_visibility(&mut self, _visibility: &Visibility) {}
}

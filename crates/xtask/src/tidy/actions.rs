use std::mem;

use syn::visit::{self, Visit};
use syn::{
    Block, Expr, ExprCall, ExprLit, ImplItemFn, Item, ItemFn, ItemImpl, Lit, Signature, Type, Visibility,
};

use super::source::Source;

const USE_CASES: &str = "crates/application/src/use_cases/";
const CONTROLLERS: &str = "crates/http-actix/src/controllers/";

/// Public functions below [`CONTROLLERS`] that run an action but are none themselves.
const NOT_ACTIONS: [&str; 3] =
    ["RespondController.respond", "RespondController.respond_in_time", "RespondController.respond_within"];

/// Returns a line for each use case or controller that does not run inside `log_action` under its own name, and for
/// each use case that has no `execute`.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let is_use_case = source.file.starts_with(USE_CASES);
    if !is_use_case && !source.file.starts_with(CONTROLLERS) {
        return Vec::new();
    }
    let functions = Functions::of(source);
    let mut faults = Vec::new();
    for function in &functions {
        let name = function.signature.ident.to_string();
        let action = match &function.owner {
            Some(owner) if !is_use_case || name == "execute" => format!("{owner}.{name}"),
            None if !is_use_case => format!("{}Controller.{name}", camel_case(source.stem())),
            _ => continue,
        };
        if !NOT_ACTIONS.contains(&action.as_str()) && !actions_in(function.body).contains(&action) {
            let place = source.place(function.signature.ident.span());
            faults.push(format!("{place}: run the body inside log_action(\"{action}\", …)"));
        }
    }
    for use_case in use_cases(source).filter(|_| is_use_case) {
        let executes = |function: &Function| {
            function.signature.ident == "execute" && function.owner.as_deref() == Some(&use_case.to_string())
        };
        if !functions.iter().any(executes) {
            let place = source.place(use_case.span());
            faults.push(format!("{place}: add `pub async fn execute` to {use_case}"));
        }
    }
    faults
}

/// The public structs named `…UseCase`.
fn use_cases(source: &Source) -> impl Iterator<Item = &syn::Ident> {
    source
        .syntax
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) if is_public(&item.vis) => Some(&item.ident),
            _ => None,
        })
        .filter(|name| name.to_string().ends_with("UseCase"))
}

/// A function that is async and visible outside its module.
struct Function<'a> {
    /// The type whose `impl` contains it.
    owner: Option<String>,
    signature: &'a Signature,
    body: &'a Block,
}

#[derive(Default)]
struct Functions<'a> {
    owner: Option<String>,
    found: Vec<Function<'a>>,
}

impl<'a> Functions<'a> {
    fn of(source: &'a Source) -> Vec<Function<'a>> {
        let mut functions = Self::default();
        functions.visit_file(&source.syntax);
        functions.found
    }

    fn add(&mut self, visibility: &Visibility, signature: &'a Signature, body: &'a Block) {
        if is_public(visibility) && signature.asyncness.is_some() {
            self.found.push(Function { owner: self.owner.clone(), signature, body });
        }
    }
}

impl<'a> Visit<'a> for Functions<'a> {
    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        let outer = mem::replace(&mut self.owner, name_of(&item.self_ty));
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.add(&function.vis, &function.sig, &function.block);
    }

    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.add(&function.vis, &function.sig, &function.block);
    }
}

fn name_of(of: &Type) -> Option<String> {
    let Type::Path(of) = of else { return None };
    of.path.segments.last().map(|segment| segment.ident.to_string())
}

fn is_public(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// The names with which a body calls `log_action`.
fn actions_in(body: &Block) -> Vec<String> {
    struct Actions(Vec<String>);
    impl Visit<'_> for Actions {
        fn visit_expr_call(&mut self, call: &ExprCall) {
            if let Expr::Path(function) = &*call.func
                && function.path.segments.last().is_some_and(|name| name.ident == "log_action")
                && let Some(Expr::Lit(ExprLit { lit: Lit::Str(name), .. })) = call.args.first()
            {
                self.0.push(name.value());
            }
            visit::visit_expr_call(self, call);
        }
    }
    let mut actions = Actions(Vec::new());
    actions.visit_block(body);
    actions.0
}

/// `unknown_route` as `UnknownRoute`.
fn camel_case(snake_case: &str) -> String {
    let capital = |word: &str| {
        let mut characters = word.chars();
        characters.next().map(|first| first.to_uppercase().chain(characters).collect::<String>())
    };
    snake_case.split('_').filter_map(capital).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn use_case(execute: &str) -> Source {
        let text = format!("pub struct GetThingUseCase {{}}\nimpl GetThingUseCase {{\n    {execute}\n}}\n");
        Source::parse("crates/application/src/use_cases/get_thing.rs", text).unwrap()
    }

    fn controller(text: &str) -> Source {
        Source::parse("crates/http-actix/src/controllers/api_key.rs", text).unwrap()
    }

    #[test]
    fn a_use_case_that_is_logged_under_its_own_name_passes() {
        let good = use_case(
            "pub async fn execute(&self) { log_action(\n\"GetThingUseCase.execute\", async {}).await }",
        );
        assert_eq!(faults(&good), Vec::<String>::new());
    }

    #[test]
    fn a_use_case_without_log_action_or_under_another_name_is_a_fault() {
        for execute in [
            "pub async fn execute(&self) { 1 }",
            "pub async fn execute(&self) { log_action(\"PutThingUseCase.execute\", async {}).await }",
            "pub async fn execute(&self) { /* log_action(\"GetThingUseCase.execute\", */ }",
        ] {
            let faults = faults(&use_case(execute));
            let expected = "crates/application/src/use_cases/get_thing.rs:3: run the body inside \
                            log_action(\"GetThingUseCase.execute\", …)";
            assert_eq!(faults, [expected], "{execute}");
        }
    }

    #[test]
    fn a_use_case_without_execute_is_a_fault() {
        assert_eq!(
            faults(&use_case("pub async fn run(&self) {}")),
            [
                "crates/application/src/use_cases/get_thing.rs:1: add `pub async fn execute` to GetThingUseCase"
            ]
        );
    }

    #[test]
    fn a_controller_is_logged_as_its_file_and_function() {
        let logged = "pub(crate) async fn create() { log_action(\"ApiKeyController.create\", async {}) }";
        assert_eq!(faults(&controller(logged)), Vec::<String>::new());
        let silent = "pub(crate) async fn create() {}\nasync fn inner() {}";
        assert_eq!(faults(&controller(silent)).len(), 1);
        let borrowed =
            format!("{logged}\npub async fn delete() {{ log_action(\"ApiKeyController.create\", x) }}");
        assert_eq!(faults(&controller(&borrowed)).len(), 1);
    }

    #[test]
    fn a_controller_that_is_a_type_is_logged_as_its_type_and_method() {
        let text = "impl<S> KeyController<S> {\n    pub async fn create(&self) { log_action(\"KeyController.create\", x) }\n}";
        assert_eq!(faults(&controller(text)), Vec::<String>::new());
    }
}

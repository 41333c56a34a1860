use std::ops::Range;

use super::source::Source;

const USE_CASES: &str = "crates/application/src/use_cases/";
const CONTROLLERS: &str = "crates/http-actix/src/controllers/";

/// Functions beside the controllers that run an action and are none.
const NO_ACTIONS: [&str; 1] = ["RespondController.respond"];

/// Use cases and controllers that do not run inside `log_action` under their own name.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let is_use_case = source.file.starts_with(USE_CASES);
    if !is_use_case && !source.file.starts_with(CONTROLLERS) {
        return Vec::new();
    }
    let expected = |function: &Function| match function.of {
        Some(name) if is_use_case => (function.name == "execute").then(|| format!("{name}.execute")),
        None if is_use_case => None,
        Some(name) => Some(format!("{name}.{}", function.name)),
        None => Some(format!("{}Controller.{}", camel_case(source.stem()), function.name)),
    };
    let mut faults = Vec::new();
    for function in public_async_functions(source) {
        let Some(action) = expected(&function).filter(|action| !NO_ACTIONS.contains(&action.as_str())) else {
            continue;
        };
        if !actions_in(source, &function.body).any(|name| name == action) {
            let line = source.line_of(function.offset);
            faults.push(format!("{}:{line}: runs outside log_action(\"{action}\", …)", source.file));
        }
    }
    faults
}

/// Use cases without an `execute`: the rule above would not see them.
pub(super) fn missing(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.file.starts_with(USE_CASES)) {
        for name in words_after(&source.code, "pub struct ").filter(|name| name.ends_with("UseCase")) {
            let mut functions = public_async_functions(source);
            if !functions.any(|function| function.of == Some(name) && function.name == "execute") {
                faults.push(format!("{}: {name} has no `pub async fn execute`", source.file));
            }
        }
    }
    faults
}

struct Function<'a> {
    offset: usize,
    /// The type of the `impl` it stands in.
    of: Option<&'a str>,
    name: &'a str,
    body: Range<usize>,
}

/// The `pub async fn` and `pub(crate) async fn` of a source.
fn public_async_functions(source: &Source) -> impl Iterator<Item = Function<'_>> {
    let head = "async fn ";
    source.code.match_indices(head).filter_map(move |(offset, _)| {
        let before = source.code[..offset].trim_end();
        if !before.ends_with("pub") && !before.ends_with("pub(crate)") {
            return None;
        }
        let open = offset + source.code[offset..].find('{')?;
        let body = open..source.closing(open, (b'{', b'}'));
        let name = first_word(&source.code[offset + head.len()..]);
        Some(Function { offset, of: impl_around(source, offset), name, body })
    })
}

/// The names under which a body calls `log_action`.
fn actions_in<'a>(source: &'a Source, body: &Range<usize>) -> impl Iterator<Item = &'a str> {
    let head = "log_action(";
    source.code[body.clone()].match_indices(head).filter_map(|(offset, _)| {
        let argument = source.text[body.start + offset + head.len()..].trim_start();
        argument.strip_prefix('"')?.split('"').next()
    })
}

/// The type of the inherent `impl` block around an offset.
fn impl_around(source: &Source, offset: usize) -> Option<&str> {
    source.code[..offset].rmatch_indices("impl").find_map(|(start, _)| {
        let starts_line = source.code[..start].chars().next_back().is_none_or(|before| before == '\n');
        let open = start + source.code[start..].find('{')?;
        let around = starts_line && open < offset && offset < source.closing(open, (b'{', b'}'));
        around.then(|| {
            let header = &source.code[start + "impl".len()..open];
            let header = header.split(" where ").next().unwrap_or(header);
            first_word(header.rsplit('>').find(|part| !part.trim().is_empty()).unwrap_or(header).trim_start())
        })
    })
}

fn words_after<'a>(code: &'a str, head: &'static str) -> impl Iterator<Item = &'a str> {
    code.match_indices(head).map(move |(offset, _)| first_word(&code[offset + head.len()..]))
}

fn first_word(code: &str) -> &str {
    let end = code.find(|character: char| !(character.is_alphanumeric() || character == '_'));
    &code[..end.unwrap_or(code.len())]
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
    use super::*;

    fn use_case(execute: &str) -> Source {
        let text = format!("pub struct GetThingUseCase {{}}\nimpl GetThingUseCase {{\n    {execute}\n}}\n");
        Source::new("crates/application/src/use_cases/get_thing.rs", text)
    }

    fn controller(text: &str) -> Source {
        Source::new("crates/http-actix/src/controllers/api_key.rs", text)
    }

    #[test]
    fn a_use_case_that_is_logged_under_its_own_name_is_good() {
        let good = use_case(
            "pub async fn execute(&self) { log_action(\n\"GetThingUseCase.execute\", async {}).await }",
        );
        assert_eq!(faults(&good), Vec::<String>::new());
        assert_eq!(missing(&[good]), Vec::<String>::new());
    }

    #[test]
    fn a_use_case_without_log_action_or_under_another_name_is_a_fault() {
        for execute in [
            "pub async fn execute(&self) { 1 }",
            "pub async fn execute(&self) { log_action(\"PutThingUseCase.execute\", async {}).await }",
            "pub async fn execute(&self) { /* log_action(\"GetThingUseCase.execute\", */ }",
        ] {
            let faults = faults(&use_case(execute));
            let expected = "crates/application/src/use_cases/get_thing.rs:3: runs outside \
                            log_action(\"GetThingUseCase.execute\", …)";
            assert_eq!(faults, [expected], "{execute}");
        }
    }

    #[test]
    fn a_use_case_without_execute_is_a_fault() {
        assert_eq!(missing(&[use_case("pub async fn run(&self) {}")]).len(), 1);
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

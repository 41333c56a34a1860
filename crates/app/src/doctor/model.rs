use std::time::Instant;

use application::action::chain;
use application::ports::{ModelCatalog, ModelInfo, SelfTest};
use cli::Finding;
use infra_ml::ModelFiles;

use crate::config::Settings;
use crate::container::ConfiguredModels;
use crate::doctor::{size, store};

const SUBJECT: &str = "model";
/// What to do about a model whose error does not say it.
const ADVICE: &str = "choose another with --model, or download it again";

/// The weights of all models that are loaded without being asked to: together they are loaded within a second or two.
const QUICK_BYTES: u64 = 512 << 20;

/// Whether every model's files are there, and with `load`, or where they are small, whether they load and pass their
/// self-tests. Returns the size of all weights that are known.
pub(super) async fn examine(settings: &Settings, load: bool, report: &mut dyn FnMut(Finding)) -> u64 {
    let models = match ConfiguredModels::resolve(settings, None) {
        Ok(models) => models,
        Err(error) => {
            let error = chain(error.as_ref());
            let error = error.strip_prefix("configuration: ").unwrap_or(&error);
            report(Finding::of_error(SUBJECT, error, ADVICE));
            return 0;
        }
    };
    let files: Vec<_> = models.resolved().map(|model| (model.name(), model.inspect())).collect();
    let bytes = |files: &_| match files {
        Ok(ModelFiles::Present { weight_bytes, .. }) => *weight_bytes,
        _ => 0,
    };
    let weights = files.iter().map(|(_, files)| bytes(files)).sum();
    let are_present = files.iter().all(|(_, files)| matches!(files, Ok(ModelFiles::Present { .. })));
    let are_usable = files.iter().all(|(_, files)| files.is_ok());
    if are_usable && (load || are_present && weights <= QUICK_BYTES) {
        loaded(models, report).await;
    } else {
        for (name, files) in &files {
            match files {
                Ok(files) => unloaded(name, files, report),
                Err(error) => report(Finding::of_error(SUBJECT, &chain(error), ADVICE)),
            }
        }
    }
    weights
}

/// A model whose files were looked at only.
fn unloaded(name: &str, files: &ModelFiles, report: &mut dyn FnMut(Finding)) {
    match files {
        ModelFiles::Present { folder, weight_bytes } => {
            let seen =
                format!("{name}, {} in {}, not loaded (--load)", size(*weight_bytes), folder.display());
            report(Finding::ok(SUBJECT, seen));
        }
        ModelFiles::ToDownload { cache } => {
            let seen = format!("{name}, which the first start downloads to {}", cache.display());
            report(Finding::ok(SUBJECT, seen));
            let folder = cache.ancestors().find(|folder| folder.exists()).unwrap_or(cache);
            report(store::space("model cache", folder, "free some, or set hub.cache to another place"));
        }
    }
}

/// Loads all models.
async fn loaded(models: ConfiguredModels, report: &mut dyn FnMut(Finding)) {
    let started = Instant::now();
    match models.load().await {
        Ok(catalog) => {
            let seconds = started.elapsed().as_secs_f64();
            for model in ModelCatalog::models(catalog.as_ref()) {
                report(Finding::ok(SUBJECT, describe(&model.info, seconds)));
            }
            catalog.stop().await;
        }
        Err(error) => report(Finding::of_error(SUBJECT, &chain(error.as_ref()), ADVICE)),
    }
}

fn describe(info: &ModelInfo, seconds: f64) -> String {
    let self_test = match &info.self_test {
        SelfTest::Passed { cases, .. } => format!("self-test of {cases} texts passed"),
        SelfTest::Absent => "no self-test".to_owned(),
    };
    format!("{}, {self_test}, loaded in {seconds:.1} s", crate::server::describe(info))
}

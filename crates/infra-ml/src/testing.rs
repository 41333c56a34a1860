//! Fixtures for the tests of this crate: a model of a few hundred random weights, a fake engine, and the bundled model.

pub(crate) mod fake_engine;
pub(crate) mod outliers;
pub(crate) mod random_model;
pub(crate) mod small_model;
pub(crate) mod torch_file;

use std::path::PathBuf;
use std::sync::Arc;

use domain::value_objects::{InputText, TenantId, TextLimits};
use tokio::sync::OnceCell;

use crate::gateway::LocalMlGateway;
use crate::local_model_loader::ResolvedModel;
use crate::settings::ModelSettings;

/// The folder of the bundled model.
pub(crate) fn bundled_folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "models", "sentiment-minilm-l6"].iter().collect()
}

/// The bundled model, loaded once for all tests.
pub(crate) async fn bundled() -> Arc<LocalMlGateway> {
    static BUNDLED: OnceCell<Arc<LocalMlGateway>> = OnceCell::const_new();
    let start = || async {
        let settings = ModelSettings::new(bundled_folder());
        let (gateway, loading) = ResolvedModel::of_folder(settings).start_gateway();
        loading.await.unwrap();
        gateway
    };
    Arc::clone(BUNDLED.get_or_init(start).await)
}

pub(crate) fn text(text: impl Into<String>) -> InputText {
    InputText::parse(text, TextLimits { max_chars: 1_000_000 }).unwrap()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::default()
}

//! What the command line needs from the program, delegated to the configuration, the container and the server.

use std::io;
use std::path::Path;
use std::sync::Arc;

use application::dtos::{ExportForm, ExportPart, PredictSentimentResponse};
use application::errors::BoxError;
use application::ports::{DownloadProgress, ModelCatalog, SchemaMigrator};
use application::use_cases::PredictSentimentBatchUseCase;
use cli::{Administration, Failure, Finding, Opened, Overrides, Program, SchemaUse, Terminal};
use domain::entities::ApiKey;
use domain::value_objects::{AuditLine, Limits, Timestamp};
use serde_json::Value;

use crate::config::{self, Settings};
use crate::container::{self, ConfiguredModels, Store};
use crate::health_probe::health_probe;
use crate::telemetry::{init_command_log, init_metrics, init_service_log};
use crate::{doctor, server};

/// The program with its configuration.
pub(crate) struct Undertone {
    settings: Settings,
}

impl Program for Undertone {
    fn openapi() -> String {
        http_actix::openapi()
    }

    fn problem_catalog() -> String {
        http_actix::problem_catalog_markdown()
    }

    fn configuration_reference() -> String {
        config::reference_markdown()
    }

    fn write_prediction(
        prediction: &PredictSentimentResponse,
        stored: bool,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        if stored {
            serde_json::to_writer(out, &http_actix::prediction_json(prediction))
        } else {
            serde_json::to_writer(out, &http_actix::unstored_prediction_json(prediction))
        }
    }

    fn key_json(key: &ApiKey, now: Timestamp) -> serde_json::Result<Value> {
        serde_json::to_value(http_actix::key_json(key, now))
    }

    fn limits_json(limits: &Limits) -> serde_json::Result<Value> {
        serde_json::to_value(http_actix::limits_json(limits))
    }

    fn audit_line_json(line: &AuditLine) -> serde_json::Result<Value> {
        serde_json::to_value(http_actix::audit_line_json(line))
    }

    fn write_export(form: ExportForm, part: ExportPart<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        http_actix::write_export(form, part, out)
    }

    fn configure(overrides: &Overrides) -> Result<Self, BoxError> {
        Ok(Self { settings: Settings::load(overrides)? })
    }

    fn effective_configuration(&self) -> String {
        config::effective(&self.settings)
    }

    fn init_command_log(&self, terminal: &Terminal) -> Result<(), BoxError> {
        Ok(init_command_log(&self.settings.log, terminal)?)
    }

    async fn serve(&self, terminal: &Terminal) -> Result<(), Failure> {
        // Dropped last: it writes what the shutdown logs.
        let has_callers = self.settings.auth.is_required();
        let log = init_service_log(&self.settings.log, terminal, has_callers).map_err(Failure::set_up)?;
        let metrics = init_metrics()?;
        server::run(&self.settings, metrics, &log, terminal.download_bars()).await
    }

    async fn open_migrator(&self, schema: SchemaUse) -> Result<Opened<Arc<dyn SchemaMigrator>>, BoxError> {
        let store = match schema {
            SchemaUse::Create => Store::open(&self.settings).await?,
            SchemaUse::Existing => Store::open_existing(&self.settings).await?,
        };
        Ok(Opened { part: store.migrator.clone(), close: Box::pin(async move { store.close().await }) })
    }

    async fn open_administration(&self, schema: SchemaUse) -> Result<Opened<Administration>, BoxError> {
        let store = match schema {
            SchemaUse::Create => Store::open_migrated_now(&self.settings).await?,
            SchemaUse::Existing => Store::open_current(&self.settings).await?,
        };
        let part = container::administration(&self.settings, &store);
        Ok(Opened { part, close: Box::pin(async move { store.close().await }) })
    }

    async fn open_predictor(
        &self,
        model: Option<&str>,
        store: bool,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> Result<Opened<PredictSentimentBatchUseCase>, BoxError> {
        let settings = self.settings.for_files();
        let models = ConfiguredModels::resolve(&settings, progress)?.only(model)?.load().await?;
        let store = if store { Some(Store::open_migrated(&self.settings).await?) } else { None };
        let part = container::predict_batch(&self.settings, &models, store.as_ref());
        let close = async move {
            models.stop().await;
            if let Some(store) = store {
                store.close().await;
            }
        };
        Ok(Opened { part, close: Box::pin(close) })
    }

    async fn describe_models(&self, progress: Option<Arc<dyn DownloadProgress>>) -> Result<String, Failure> {
        let models = ConfiguredModels::resolve(&self.settings, progress).map_err(Failure::set_up)?;
        let models = models.load().await.map_err(Failure::set_up)?;
        let list = http_actix::models_json(&ModelCatalog::models(models.as_ref()));
        models.stop().await;
        Ok(serde_json::to_string_pretty(&list)?)
    }

    async fn back_up(&self, file: &Path) -> Result<(), Failure> {
        let store = Store::open_existing(&self.settings).await.map_err(Failure::set_up)?;
        let outcome = store.back_up(file).await;
        store.close().await;
        Ok(outcome?)
    }

    async fn examine(&self, overrides: &Overrides, load: bool, report: &mut dyn FnMut(Finding)) {
        doctor::examine(&self.settings, overrides, load, report).await;
    }

    async fn check_ready(&self, url: Option<&str>) -> Result<(), BoxError> {
        Ok(health_probe(&self.settings.server, url)?.check_ready().await?)
    }
}

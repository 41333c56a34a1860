use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use application::dtos::{ExportForm, ExportPart, PredictSentimentResponse};
use application::errors::BoxError;
use application::ports::{DownloadProgress, SchemaMigrator};
use application::use_cases::PredictSentimentBatchUseCase;
use domain::entities::ApiKey;
use domain::value_objects::{AuditLine, Limits, Timestamp};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::administration::Administration;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::terminal::Terminal;

/// The program that the command line drives; implemented by the composition root.
pub trait Program: Sized {
    /// Returns the OpenAPI document.
    fn openapi() -> String;

    /// Returns the catalog of problems, in Markdown.
    fn problem_catalog() -> String;

    /// Returns the reference of every configuration key, in Markdown.
    fn configuration_reference() -> String;

    /// Appends `prediction` to `out`, byte for byte as the API returns it, without its id unless it is `stored`.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn write_prediction(
        prediction: &PredictSentimentResponse,
        stored: bool,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()>;

    /// Returns `key` as the API does at `now`.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn key_json(key: &ApiKey, now: Timestamp) -> serde_json::Result<Value>;

    /// Returns `limits` as the API does.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn limits_json(limits: &Limits) -> serde_json::Result<Value>;

    /// Returns `line` as the API does.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn audit_line_json(line: &AuditLine) -> serde_json::Result<Value>;

    /// Appends a part of an export to `out`, as the API sends it.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn write_export(form: ExportForm, part: ExportPart<'_>, out: &mut Vec<u8>) -> io::Result<()>;

    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// A file that cannot be read, or a key or value that is not valid.
    fn configure(overrides: &Overrides) -> Result<Self, BoxError>;

    /// Returns the effective configuration as lines of TOML, with secrets redacted.
    fn effective_configuration(&self) -> String;

    /// Sets up the log of a command on standard error, above the bars of `terminal`: warnings only, and more by its
    /// verbosity, unless the configuration says what is logged. [`Program::serve`] sets up its own.
    ///
    /// # Errors
    /// A filter that cannot be parsed.
    fn init_command_log(&self, terminal: &Terminal) -> Result<(), BoxError>;

    /// Serves the API until a signal ends it. Downloads are reported to the bars of `terminal`, or else to the log.
    ///
    /// # Errors
    /// A part that cannot be set up, or that ended unexpectedly.
    fn serve(&self, terminal: &Terminal) -> impl Future<Output = Result<(), Failure>>;

    /// Opens the store's migrator.
    ///
    /// # Errors
    /// A store that cannot be opened.
    fn open_migrator(
        &self,
        schema: SchemaUse,
    ) -> impl Future<Output = Result<Opened<Arc<dyn SchemaMigrator>>, BoxError>>;

    /// Opens the store for the commands `tenants`, `keys`, `audit` and `export`; the service may be running.
    ///
    /// # Errors
    /// A store that cannot be opened, or lacks migrations with [`SchemaUse::Existing`].
    fn open_administration(
        &self,
        schema: SchemaUse,
    ) -> impl Future<Output = Result<Opened<Administration>, BoxError>>;

    /// Loads the model `model`, by default that of the section `model`, to predict with it; predictions are stored only
    /// with `store`. Downloads are reported to `progress`, or else to the log.
    ///
    /// # Errors
    /// A model that is not configured or cannot be loaded, or a store that cannot be opened.
    fn open_predictor(
        &self,
        model: Option<&str>,
        store: bool,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> impl Future<Output = Result<Opened<PredictSentimentBatchUseCase>, BoxError>>;

    /// Loads every configured model and returns their list as the API does, in JSON. Downloads are reported to
    /// `progress`, or else to the log.
    ///
    /// # Errors
    /// A model that cannot be loaded.
    fn describe_models(
        &self,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> impl Future<Output = Result<String, Failure>>;

    /// Copies the database, which may be in use, to the new file `file`.
    ///
    /// # Errors
    /// A store that cannot be opened or has no such copy, or a file that exists or cannot be written.
    fn back_up(&self, file: &Path) -> impl Future<Output = Result<(), Failure>>;

    /// Examines what the service needs, and hands each finding to `report` as soon as it is known. Every model is
    /// loaded with `load`, else only small ones on this machine. `overrides` are those that [`Program::configure`] got.
    fn examine(
        &self,
        overrides: &Overrides,
        load: bool,
        report: &mut dyn FnMut(Finding),
    ) -> impl Future<Output = ()>;

    /// Checks that the server at `url`, by default the configured one, is ready.
    ///
    /// # Errors
    /// A server that does not respond or is not ready.
    fn check_ready(&self, url: Option<&str>) -> impl Future<Output = Result<(), BoxError>>;
}

/// What the command line says about the configuration; it overrides the environment and the default file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The configuration file, which must exist; by default `undertone.toml` where it exists.
    pub file: Option<PathBuf>,
    /// Values as text, each by its `section.key`.
    pub values: Vec<(String, String)>,
}

/// What a command does with the store's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaUse {
    /// Creates it: a SQLite file that does not exist is created.
    Create,
    /// Needs it: a store without tables is an error.
    Existing,
}

/// A part of the program that a command has opened and must close.
pub struct Opened<T> {
    /// The part.
    pub part: T,
    /// Releases what the part needs; to be awaited at the end, also after a failure.
    pub close: BoxFuture<'static, ()>,
}

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    analytics::AnalyticsArgs, audit::AuditArgs, backup::BackupArgs, config::ConfigArgs, doctor::DoctorArgs,
    export::ExportArgs, healthcheck::HealthcheckArgs, keys::KeysArgs, migrate::MigrateArgs,
    openapi::OpenapiArgs, predict::PredictArgs, tenants::TenantsArgs,
};
use crate::program::Overrides;

/// Self-hosted sentiment service: classifies texts and stores every prediction.
#[derive(Debug, Parser)]
#[command(name = "undertone", version, after_help = CONFIGURATION)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What stands below the help.
const CONFIGURATION: &str = "Settings come from defaults, ./undertone.toml, the environment \
    (UNDERTONE_SECTION__KEY) and these options; later ones win. \
    `undertone config --reference` lists every setting.";

/// The options of every command that override the configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingArgs {
    /// Read this configuration file instead of ./undertone.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on (server.host)
    #[arg(long, global = true)]
    host: Option<String>,
    /// Port to listen on (server.port); 0 for any free one
    #[arg(long, global = true)]
    port: Option<u16>,
    /// Database (store.url): sqlite:FILE or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,
    /// Model (model.path): a folder, the name of a folder under models/, or org/name or org/name@revision on the hub
    #[arg(long, global = true, value_name = "MODEL")]
    model: Option<String>,
    /// Precision of the model's arithmetic (model.precision): auto, f32, int8, f16 or bf16
    #[arg(long, global = true)]
    precision: Option<String>,
    /// Device that the model runs on (model.device): auto, cpu or cuda:N
    #[arg(long, global = true)]
    device: Option<String>,
    /// Any other setting; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API (default)
    Serve,
    /// Classify a text, a file or standard input without a server
    Predict(Box<PredictArgs>),
    /// Add, list, limit, disable, enable or erase tenants
    Tenants(TenantsArgs),
    /// Issue, list or revoke API keys
    Keys(KeysArgs),
    /// List who changed what, or check that the list is as it was written
    Audit(AuditArgs),
    /// Have the counts of trends and breakdowns made again
    Analytics(AnalyticsArgs),
    /// Write the stored predictions to a file; the service may be running
    Export(Box<ExportArgs>),
    /// Apply, revert or list the migrations of the store's schema
    Migrate(MigrateArgs),
    /// Load the configured models and describe them as JSON
    Models,
    /// Print the effective configuration with secrets redacted
    Config(ConfigArgs),
    /// Copy the SQLite database to a new file; the service may be running
    Backup(BackupArgs),
    /// Check what the service needs, and say what to do: exit code 0 without failures, else 1
    Doctor(DoctorArgs),
    /// Check that a running server is ready: exit code 0 if it is, 1 if not
    Healthcheck(HealthcheckArgs),
    /// Print the OpenAPI document
    Openapi(OpenapiArgs),
}

impl SettingArgs {
    /// The configuration's overrides, in the order of their precedence.
    pub(crate) fn overrides(self) -> Overrides {
        let named = [
            ("server.host", self.host),
            ("server.port", self.port.map(|port| port.to_string())),
            ("store.url", self.store),
            ("model.path", self.model),
            ("model.precision", self.precision),
            ("model.device", self.device),
        ];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Overrides { file: self.config, values: named.chain(self.set).collect() }
    }
}

fn parse_setting(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) =
        text.split_once('=').filter(|(key, _)| key.contains('.')).ok_or("expected section.key=value")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_defined() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_are_flags_of_every_command() {
        let line =
            ["undertone", "predict", "--port", "81", "--set", " log.filter = a=b", "--config", "x.toml", "t"];
        let overrides = Arguments::parse_from(line).settings.overrides();
        assert_eq!(overrides.file, Some("x.toml".into()));
        let values = [("server.port", "81"), ("log.filter", "a=b")];
        assert_eq!(overrides.values, values.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(Arguments::try_parse_from(["undertone", "--set", "port=1"]).is_err());
    }
}

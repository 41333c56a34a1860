use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::color::ColorChoice;
use crate::commands::{
    analytics::AnalyticsArgs, audit::AuditArgs, backup::BackupArgs, completions::CompletionsArgs,
    config::ConfigArgs, doctor::DoctorArgs, export::ExportArgs, healthcheck::HealthcheckArgs, keys::KeysArgs,
    migrate::MigrateArgs, openapi::OpenapiArgs, predict::PredictArgs, tenants::TenantsArgs,
};
use crate::examples::examples;
use crate::program::Overrides;

/// Self-hosted sentiment service: classifies texts and stores every prediction.
///
/// Settings come from defaults, ./undertone.toml, the environment (UNDERTONE_SECTION__KEY) and options; later ones win.
/// `undertone config --reference` lists every setting.
#[derive(Debug, Parser)]
#[command(name = "undertone", version, after_help = examples!(
    "Serve the API on 127.0.0.1:8000" => "undertone",
    "Classify texts without a server" => "undertone predict \"I love it\" \"Meh\"",
    "Classify a file" => "undertone predict --file reviews.csv --text-column review -o predictions.csv",
    "See what a command accepts" => "undertone predict --help",
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) terminal: TerminalArgs,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The options of every command about what it shows.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct TerminalArgs {
    /// Log what the command does, and with -vv the steps within
    ///
    /// Without it commands other than serve log warnings only, and serve what it does. If log.filter is set, that
    /// decides alone.
    #[arg(long, short, global = true, action = ArgAction::Count, display_order = 900)]
    pub(crate) verbose: u8,
    /// When to use color
    ///
    /// By default on a terminal, unless NO_COLOR is set, CLICOLOR is 0 or TERM is dumb; CLICOLOR_FORCE=1 asks for it
    /// everywhere.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, display_order = 901)]
    pub(crate) color: ColorChoice,
}

impl TerminalArgs {
    /// Makes every [`Screen`](crate::Screen) of this process colored or not, as is wanted.
    pub(crate) fn set_colors(self) {
        console::set_colors_enabled(self.color.colors(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(self.color.colors(io::stderr().is_terminal()));
    }
}

/// The options of every command that override the configuration. The short help leaves them to the long one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingArgs {
    /// Read this configuration file instead of ./undertone.toml
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database (store.url): sqlite:FILE or postgres://…
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    store: Option<String>,
    /// Address to listen on (server.host)
    #[arg(long, global = true, hide_short_help = true)]
    host: Option<String>,
    /// Port to listen on (server.port); 0 for any free one
    #[arg(long, global = true, hide_short_help = true)]
    port: Option<u16>,
    /// Any other setting; may be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "SECTION.KEY=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
    /// Model (model.path): a folder, the name of a folder under models/, or org/name or org/name@revision on the hub
    #[arg(long, global = true, hide_short_help = true, value_name = "MODEL", help_heading = "Model")]
    model: Option<String>,
    /// Precision of the model's arithmetic (model.precision): auto, f32, int8, f16 or bf16
    #[arg(long, global = true, hide_short_help = true, help_heading = "Model")]
    precision: Option<String>,
    /// Device that the model runs on (model.device): auto, cpu or cuda:N
    #[arg(long, global = true, hide_short_help = true, help_heading = "Model")]
    device: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API (default)
    #[command(after_help = examples!(
        "Serve the bundled model, with predictions in data/undertone.db" => "undertone serve",
        "Serve a model of the Hugging Face hub on another port" =>
            "undertone serve --port 9000 --model cardiffnlp/twitter-roberta-base-sentiment-latest",
        "Store predictions in PostgreSQL" => "undertone serve --store postgres://user:password@localhost/undertone",
        "Require API keys and listen on every address" =>
            "undertone serve --host 0.0.0.0 --set auth.mode=required",
    ))]
    Serve,
    /// Classify texts, a file or standard input without a server
    Predict(Box<PredictArgs>),
    /// Add, list, limit, disable, enable or erase tenants
    #[command(after_help = examples!(
        "Add a tenant, then give it a key" => "undertone tenants add acme",
        "At most 50 requests per second and a million texts per day" =>
            "undertone tenants limit acme --requests 50 --texts-per-day 1000000",
        "List the tenants as JSON" => "undertone tenants list --json",
    ))]
    Tenants(TenantsArgs),
    /// Issue, list or revoke API keys
    #[command(after_help = examples!(
        "Issue a key for 90 days" =>
            "undertone keys issue --tenant acme --scopes predictions:write --expires 90d > acme.key",
        "Replace a key; both are valid for a day" =>
            "undertone keys issue --tenant acme --replaces NT3kWq0aZbYd --overlap 24h",
        "List the keys of a tenant, without their secrets" => "undertone keys list --tenant acme",
        "Revoke a key" => "undertone keys revoke NT3kWq0aZbYd",
    ))]
    Keys(KeysArgs),
    /// List who changed what, or check that the list is as it was written
    #[command(after_help = examples!(
        "List the latest changes" => "undertone audit list --limit 50",
        "Check that no line was changed or removed" => "undertone audit verify",
    ))]
    Audit(AuditArgs),
    /// Have the counts of trends and breakdowns made again
    #[command(after_help = examples!(
        "Count the predictions of a tenant again" => "undertone analytics rebuild --tenant acme",
        "Count those of all tenants again, and wait for the end" => "undertone analytics rebuild --all --wait",
    ))]
    Analytics(AnalyticsArgs),
    /// Write the stored predictions to a file; the service may be running
    #[command(after_help = examples!(
        "Write everything as CSV" => "undertone export --output predictions.csv",
        "Write the negative predictions of January as JSON Lines" =>
            "undertone export --sentiment negative --from 2026-01-01 --to 2026-02-01 -o january.jsonl",
    ))]
    Export(Box<ExportArgs>),
    /// Apply, revert or list the migrations of the store's schema
    #[command(after_help = examples!(
        "List the migrations" => "undertone migrate status",
        "Apply those that are missing" => "undertone migrate up",
        "Revert the latest" => "undertone migrate down",
    ))]
    Migrate(MigrateArgs),
    /// Load the configured models and describe them as JSON
    #[command(after_help = examples!(
        "Describe the configured models" => "undertone models",
        "See whether int8 is used for a model, and why" =>
            "undertone models --model ./my-model | jq '.items[0] | .precision, .precision_reason'",
    ))]
    Models,
    /// Print the effective configuration with secrets redacted
    #[command(after_help = examples!(
        "Print the effective settings" => "undertone config",
        "Look for a setting" => "undertone config --reference | grep queue",
    ))]
    Config(ConfigArgs),
    /// Copy the SQLite database to a new file; the service may be running
    #[command(after_help = examples!(
        "Copy the database" => "undertone backup undertone-copy.db",
        "Copy another one" => "undertone backup copy.db --store sqlite:/var/lib/undertone/undertone.db",
    ))]
    Backup(BackupArgs),
    /// Check what the service needs and say what to do: exit code 1 after a failure
    #[command(after_help = examples!(
        "Check this machine for the service" => "undertone doctor",
        "Check it for another store, and load every model" =>
            "undertone doctor --load --store postgres://user:password@localhost/undertone",
        "Fail on warnings too, for a script" => "undertone doctor --strict --format json",
    ))]
    Doctor(DoctorArgs),
    /// Check that a running server is ready: exit code 0 if it is, 1 if not
    #[command(after_help = examples!(
        "Check the server of the configuration" => "undertone healthcheck",
        "Check another one" => "undertone healthcheck --url http://127.0.0.1:9000",
    ))]
    Healthcheck(HealthcheckArgs),
    /// Print the OpenAPI document
    #[command(after_help = examples!(
        "Write the document" => "undertone openapi > openapi.json",
        "Print the catalog of problems" => "undertone openapi --problems",
    ))]
    Openapi(OpenapiArgs),
    /// Print the completions for a shell
    #[command(after_help = examples!(
        "bash, for your user" =>
            "undertone completions bash > ~/.local/share/bash-completion/completions/undertone",
        "zsh, in a folder of fpath" => "undertone completions zsh > ~/.zfunc/_undertone",
        "fish" => "undertone completions fish > ~/.config/fish/completions/undertone.fish",
    ))]
    Completions(CompletionsArgs),
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
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_arguments_are_well_defined() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn verbosity_and_color_are_options_of_every_command() {
        let line = ["undertone", "predict", "-vv", "--color", "never", "a", "b"];
        let TerminalArgs { verbose, color } = Arguments::parse_from(line).terminal;
        assert_eq!((verbose, color), (2, ColorChoice::Never));
    }

    #[test]
    fn an_option_that_does_not_exist_is_an_error_with_a_suggestion() {
        let error = Arguments::try_parse_from(["undertone", "predict", "--fiel", "x"]).expect_err("unknown");
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::UnknownArgument, 2));
        assert!(error.to_string().contains("'--file'"), "{error}");
        let error = Arguments::try_parse_from(["undertone", "predict", "--granularity", "sentense", "x"]);
        let error = error.expect_err("unknown");
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        assert!(error.to_string().contains("a similar value exists: 'sentence'"), "{error}");
    }

    /// Adds the help of `command` and of the commands below it, long and short.
    fn add_helps(command: &mut clap::Command, path: &str, helps: &mut Vec<(String, String)>) {
        let help = format!("{}\n=== with -h ===\n{}", command.render_long_help(), command.render_help());
        helps.push((path.to_owned(), help));
        for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            let path = format!("{path} {}", below.get_name());
            add_helps(below, &path, helps);
        }
    }

    #[test]
    fn every_command_has_its_help() {
        let mut command = Arguments::command().term_width(100);
        command.build();
        let mut helps = Vec::new();
        add_helps(&mut command, "undertone", &mut helps);
        for (path, help) in helps {
            insta::assert_snapshot!(path.replace(' ', "-"), help);
        }
    }

    #[test]
    fn every_command_of_the_first_level_has_examples() {
        for command in Arguments::command().get_subcommands() {
            let end = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = end.matches("  undertone ").count() + end.matches("| undertone ").count();
            assert!((2..=4).contains(&examples), "{}: {examples} examples", command.get_name());
        }
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

//! The configuration: defaults, then `undertone.toml`, then the environment, then flags; later ones win.

mod analytics;
mod audit;
mod auth;
mod cache;
#[cfg(debug_assertions)]
mod clock;
#[cfg(debug_assertions)]
mod faults;
mod log;
mod outbox;
mod problem;
mod reference;
mod schema;
mod store;
mod toml_format;

use std::collections::BTreeMap;
use std::path::Path;

use cli::Overrides;
use domain::value_objects::ModelName;
use figment::Figment;
use figment::providers::{Env, Format, Serialized};
use http_actix::{LimitsSettings, ServerSettings};
use infra_ml::{HubSettings, ModelSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use analytics::AnalyticsSettings;
pub(crate) use audit::AuditSettings;
pub(crate) use auth::{AuthMode, AuthSettings};
pub(crate) use cache::CacheSettings;
pub(crate) use infra_ml::Seconds;
pub(crate) use log::LogSettings;
pub(crate) use outbox::OutboxSettings;
pub(crate) use reference::{effective, reference_markdown};
pub(crate) use store::{StoreKind, StoreSettings};

use problem::describe;
use schema::{check_ranges, schema_of};
use toml_format::Toml;

/// The file that is read if it exists and no other is named.
const DEFAULT_FILE: &str = "undertone.toml";

/// All settings, one struct per section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) store: StoreSettings,
    pub(crate) outbox: OutboxSettings,
    pub(crate) analytics: AnalyticsSettings,
    pub(crate) model: ModelSettings,
    pub(crate) hub: HubSettings,
    /// The models beside the default, by name.
    pub(crate) models: BTreeMap<String, ModelSettings>,
    pub(crate) cache: CacheSettings,
    pub(crate) auth: AuthSettings,
    pub(crate) audit: AuditSettings,
    pub(crate) limits: LimitsSettings,
    pub(crate) log: LogSettings,
    /// Only in builds for tests: neither printed nor documented.
    #[cfg(debug_assertions)]
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub(crate) clock: clock::ClockSettings,
    /// Only in builds for tests: neither printed nor documented.
    #[cfg(debug_assertions)]
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub(crate) faults: faults::FaultSettings,
}

impl Settings {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, or a value of the wrong type or outside its range; the message names
    /// the key and where it was set.
    pub(crate) fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = Self::file(overrides) {
            std::fs::metadata(file).map_err(|error| problem::unreadable(file, &error))?;
            figment = figment.merge(Toml::file_exact(file));
        }
        // Only names with a double underscore are settings, so that UNDERTONE_HOME, say, can have another purpose.
        figment = figment.merge(variables().filter(|key| key.as_str().contains("__")).split("__"));
        for (key, value) in &overrides.values {
            figment = figment.merge(Serialized::global(key, flag_value(value)));
        }
        let settings: Self = figment.extract().map_err(|error| describe(&error))?;
        settings.validate().map_err(|problem| anyhow::anyhow!("configuration: {problem}"))?;
        Ok(settings)
    }

    /// Returns the settings for a command that classifies whole files: no client is refused for its texts, which wait
    /// for the model however many its queue has.
    pub(crate) fn for_files(&self) -> Self {
        let mut settings = self.clone();
        for model in settings.models.values_mut().chain([&mut settings.model]) {
            model.max_queue_items = model.max_queue_items.max(ModelSettings::default().max_queue_items);
        }
        settings
    }

    /// The file that is read: the one that `overrides` name, else the default one where it exists.
    pub(crate) fn file(overrides: &Overrides) -> Option<&Path> {
        let default = Path::new(DEFAULT_FILE);
        overrides.file.as_deref().or(default.is_file().then_some(default))
    }

    fn validate(&self) -> Result<(), String> {
        let values = serde_json::to_value(self).map_err(|error| error.to_string())?;
        check_ranges("", &schema_of::<Self>(), &values)?;
        self.server.validate(&self.limits).map_err(|problem| format!("server.{problem}"))?;
        self.store.url.kind()?;
        self.analytics.validate().map_err(|problem| format!("analytics.{problem}"))?;
        self.auth.jwt.validate().map_err(|problem| format!("auth.jwt.{problem}"))?;
        #[cfg(debug_assertions)]
        self.faults.injector().map_err(|problem| format!("faults.{problem}"))?;
        self.audit.validate().map_err(|problem| format!("audit.{problem}"))?;
        self.model.validate().map_err(|error| format!("model.{error}"))?;
        self.hub.validate().map_err(|error| format!("hub.{error}"))?;
        for (name, section) in &self.models {
            ModelName::parse("the name of a model", name.clone())
                .map_err(|error| format!("models: {error}, not {name:?}"))?;
            if section.name.is_some() {
                return Err(format!("models.{name}.name is that of the section and cannot be set"));
            }
            section.validate().map_err(|error| format!("models.{name}.{error}"))?;
        }
        Ok(())
    }
}

/// The variables of the environment that may be settings; keys are without the prefix, in lower case.
pub(crate) fn variables() -> Env {
    Env::prefixed("UNDERTONE_")
}

/// Parses a flag's value as a number, bool, list or table in TOML's form; any other text is a string.
fn flag_value(text: &str) -> figment::value::Value {
    text.parse().unwrap_or_else(|_| figment::value::Value::from(text))
}

#[cfg(test)]
mod tests {
    use figment::Jail;
    use infra_ml::Precision;

    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> Overrides {
        let values = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Overrides { file: None, values }
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
        Jail::expect_with(|jail| {
            assert_eq!(Settings::load(&Overrides::default()).unwrap().server.port, 8000);
            jail.create_file(DEFAULT_FILE, "[server]\nport = 1\nhost = \"0.0.0.0\"\n[store]\nreaders = 2\n")?;
            jail.set_env("UNDERTONE_SERVER__PORT", "2");
            jail.set_env("UNDERTONE_STORE__READERS", "3");
            let settings = Settings::load(&flags(&[("server.port", "4")])).unwrap();
            assert_eq!((settings.server.port, settings.store.readers), (4, 3));
            assert_eq!(settings.server.host, "0.0.0.0");
            Ok(())
        });
    }

    #[test]
    fn names_without_a_double_underscore_are_not_settings() {
        Jail::expect_with(|jail| {
            jail.set_env("UNDERTONE_HOME", "/somewhere");
            assert!(Settings::load(&Overrides::default()).is_ok());
            Ok(())
        });
    }

    #[test]
    fn a_named_file_must_exist() {
        Jail::expect_with(|_| {
            let absent = Overrides { file: Some("absent.toml".into()), values: Vec::new() };
            assert!(Settings::load(&absent).is_err());
            Ok(())
        });
    }

    #[test]
    fn unknown_keys_wrong_types_and_bad_values_are_errors_that_name_the_key() {
        const BAD: &str = "server.prot=1 nonsense.key=1 server.port=many server.port=70000 limits.max_chars=0 \
            store.timeout=-1 store.timeout=nan store.url=mysql://localhost/x model.precision=f31 model.device=tpu model.max_bytes=0 \
            hub.endpoint=huggingface.co hub.retries=101 hub.timeout=0 cache.enabled=2 cache.max_entries=0 \
            cache.max_bytes=65535 cache.ttl=0.5 server.cors_origins=[\"a.example/path\"] \
            server.max_body_memory=8388607 server.max_body_memory=1099511627777 \
            limits.max_batch_body_bytes=67108865 server.allowed_hosts=[\"https://a.example\"] \
            server.allowed_hosts=[\"a.example:80\"] server.max_connections=0 server.workers=513 \
            server.head_timeout=0 server.body_timeout=0 server.stream_idle_timeout=0 server.send_timeout=0 \
            server.send_timeout=nan server.disconnect_timeout=0 server.keep_alive=-1 auth.mode=maybe \
            auth.failures_per_minute=0 auth.jwt.leeway=301 auth.jwt.secret=x audit.key=1234 audit.key=short audit.keys=x \
            analytics.dimensions=channel analytics.dimensions=[\"a\",\"b\",\"c\"] analytics.dimensions=[\"a\",\"a\"] \
            auth.jwt.limits.texts_per_second=0 auth.jwt.limits.requests_burst=3 auth.jwt.limits.texts=1";
        Jail::expect_with(|_| {
            for pair in BAD.split_whitespace() {
                let (key, value) = pair.split_once('=').unwrap();
                let error = Settings::load(&flags(&[(key, value)])).expect_err(pair).to_string();
                let (section, name) = key.split_once('.').unwrap();
                assert!(error.contains(name) || error.contains(section), "{pair}: {error}");
            }
            let error = Settings::load(&flags(&[("store.readers", "0")])).unwrap_err().to_string();
            assert_eq!(error, "configuration: store.readers must be from 1 to 1000, not 0");
            Ok(())
        });
    }

    #[test]
    fn only_builds_for_tests_let_the_clock_be_wrong_and_inject_faults() {
        Jail::expect_with(|_| {
            for pairs in
                [&[("clock.offset_s", "-3600")][..], &[("faults.at", "claimed"), ("faults.action", "abort")]]
            {
                let loaded = Settings::load(&flags(pairs));
                assert_eq!(loaded.is_ok(), cfg!(debug_assertions), "{loaded:?}");
            }
            Ok(())
        });
    }

    #[test]
    fn the_limits_of_tokens_are_a_section_of_their_own() {
        Jail::expect_with(|jail| {
            jail.create_file(DEFAULT_FILE, "[auth.jwt.limits]\nrequests_per_second = 5\n")?;
            jail.set_env("UNDERTONE_AUTH__JWT__LIMITS__TEXTS_PER_DAY", "70");
            let settings = Settings::load(&flags(&[("auth.jwt.limits.concurrent", "2")])).unwrap();
            let limits = settings.auth.jwt.limits.limits().unwrap();
            assert_eq!(limits.to_string(), "requests 5/s, concurrent 2, texts per day 70");
            Ok(())
        });
    }

    #[test]
    fn models_beside_the_default_have_the_keys_of_a_model_and_its_defaults() {
        Jail::expect_with(|jail| {
            let file = "[models.fast]\npath = \"a\"\nprecision = \"int8\"\n[models.\"v1.2\"]\nlabels = { A = \"mixed\" }\n";
            jail.create_file(DEFAULT_FILE, file)?;
            jail.set_env("UNDERTONE_MODELS__OTHER__PATH", "b");
            let settings = Settings::load(&flags(&[("models.fast.window", "100")])).unwrap();
            let paths: Vec<_> =
                settings.models.iter().map(|(name, model)| (name.as_str(), model.path.clone())).collect();
            assert_eq!(paths, [("fast", Some("a".into())), ("other", Some("b".into())), ("v1.2", None)]);
            let expected =
                ModelSettings { precision: Precision::Int8, window: Some(100), ..ModelSettings::new("a") };
            assert_eq!(settings.models["fast"], expected);
            Ok(())
        });
    }

    #[test]
    fn a_bad_name_or_section_of_a_model_is_an_error_that_names_it() {
        Jail::expect_with(|jail| {
            for (file, named) in [
                ("[models.\"a b\"]\n", "\"a b\""),
                ("[models.\"\"]\n", "\"\""),
                ("[models.\"-a\"]\n", "\"-a\""),
                ("[models.fast]\nname = \"slow\"\n", "models.fast.name"),
                ("[models.fast]\nprecision = \"f31\"\n", "models.fast.precision"),
                ("[models.fast]\nmax_queue_items = 0\n", "models.fast.max_queue_items"),
                ("[models.fast]\npaht = \"a\"\n", "paht"),
                ("models = 7\n", "models"),
            ] {
                jail.create_file(DEFAULT_FILE, file)?;
                let error = Settings::load(&Overrides::default()).expect_err(file).to_string();
                assert!(error.contains(named), "{file}: {error}");
            }
            Ok(())
        });
    }
}

//! Every key with what it means: the one source of the reference page and of `undertone config`.

use serde_json::{Map, Value};

use crate::config::Settings;

struct Key {
    name: &'static str,
    values: &'static str,
    meaning: &'static str,
}

const fn key(name: &'static str, values: &'static str, meaning: &'static str) -> Key {
    Key { name, values, meaning }
}

const KEYS: &[Key] = &[
    key("server.host", "address", "The address to listen on."),
    key("server.port", "0–65535", "The port to listen on; 0 takes a free one and logs it."),
    key("server.workers", "number", "Threads that handle connections; 0 means one a core."),
    key(
        "server.admin_address",
        "address:port",
        "A listener of its own for `/metrics` and the detailed `/health`; the public listener then has no \
         `/metrics` and a `/health` without components.",
    ),
    key(
        "server.allowed_hosts",
        "list",
        "The hosts that requests may be for (`Host`), without a port, beside the names of the loopback and \
         `server.host`; `[\"*\"]` for any. Empty: where the service listens on the loopback no others, else any. \
         Another host gets 421, except on `/health/live` and `/health/ready`.",
    ),
    key(
        "server.max_connections",
        "1–1000000",
        "Connections of the public listener at a time. More wait in the system's backlog until one ends. Where the \
         limit of open files is too low for it, fewer are taken, with a warning at start.",
    ),
    key(
        "server.keep_alive",
        "seconds",
        "How long an idle connection stays open; longer than the load balancer's own.",
    ),
    key(
        "server.head_timeout",
        "seconds",
        "How long a client may take to send a request's head, from its first byte (on a new connection from its \
         start); then the connection ends, on a new connection with 408.",
    ),
    key(
        "server.body_timeout",
        "seconds",
        "How long a request may wait in all for its client to send the body; then it gets 408. Not for streams.",
    ),
    key(
        "server.stream_idle_timeout",
        "seconds",
        "How long a stream may wait for its client to send the next line; then it ends with `request_timeout`.",
    ),
    key(
        "server.send_timeout",
        "seconds",
        "How long a client may take no byte of a response that waits for it; then the connection ends.",
    ),
    key(
        "server.disconnect_timeout",
        "seconds",
        "How long a connection that is to end waits for what its client still sends.",
    ),
    key(
        "server.drain_delay",
        "seconds",
        "How long after SIGTERM the listener stays open, not ready, so that load balancers turn away (none on Ctrl-C).",
    ),
    key("server.shutdown_timeout", "seconds", "How long requests in flight may take to end after the drain."),
    key(
        "server.cors_origins",
        "list",
        "Origins that browsers may call from; `[\"*\"]` for any; empty for none.",
    ),
    key("server.hsts", "true, false", "Whether to send `Strict-Transport-Security`; only behind TLS."),
    key(
        "server.model_changes",
        "true, false",
        "Whether `POST` and `DELETE /api/v1/models/{name}` load and unload models. Whoever reaches the API can then \
         have it read any folder that the service can read, fetch any repository of the hub with `hub.token`, private \
         ones included, fill the disk with them, and serve them to everybody: only where callers are trusted.",
    ),
    key(
        "server.max_body_memory",
        "bytes",
        "The most memory for the bodies of all requests and responses together, the first 16 KiB of each not counted; \
         beyond it 503 `saturated`. At least the largest body of `limits`; parsing may take twice as much beside it.",
    ),
    key(
        "store.url",
        "sqlite:FILE, postgres://…",
        "Where answers are kept. SQLite: a file, made with its folder (`?mode=ro` opens it to read only).",
    ),
    key(
        "store.timeout",
        "seconds",
        "The longest a store may take, waiting for a connection included; then 503.",
    ),
    key("store.start_timeout", "seconds", "How long to wait at start for a store that does not answer yet."),
    key(
        "store.max_connections",
        "2–1000",
        "PostgreSQL: connections of this process at most, beside two for the writer and the health check; lists take \
         at most half.",
    ),
    key(
        "store.readers",
        "1–1000",
        "SQLite: lists that are read at the same time. Reads by id have connections of their own.",
    ),
    key(
        "store.max_size_mib",
        "MiB",
        "SQLite: the largest the database file may grow, and what its write-ahead log takes beyond 64 MiB with it; 0 for \
         no bound. Beyond it writes get 503.",
    ),
    key(
        "store.allow_unsafe",
        "true, false",
        "PostgreSQL: start even where `fsync` or `synchronous_commit` is off, which can lose acknowledged answers.",
    ),
    key("store.relay_interval", "seconds", "How often the outbox is looked at for events to publish."),
    key(
        "model.path",
        "folder, name, org/name[@revision]",
        "A Hugging Face folder with `config.json`, `tokenizer.json` and `model.safetensors`; the name of a folder under \
         `models/`; or, where there is no such folder, a model on the Hugging Face hub, at a branch, tag or commit \
         (`hf:org/name` means the hub in any case). By default the bundled model.",
    ),
    key(
        "model.name",
        "text",
        "The name that answers carry; by default the folder's, or the repository's on the hub.",
    ),
    key(
        "model.precision",
        "auto, f32, int8, f16, bf16",
        "The arithmetic. `int8` is for CPUs, f16 and bf16 are for GPUs. `auto` is f16 on a GPU; on a CPU it is int8 where \
         that is faster and the model's `reference.json` says how near it is, else f32.",
    ),
    key(
        "model.device",
        "auto, cpu, cuda:N",
        "Where the model runs; `auto` is the first GPU of a CUDA build, else the CPU.",
    ),
    key(
        "model.window",
        "tokens",
        "The longest stretch that is read at once, special tokens not counted; by default, and at most, the \
         model's maximum less its special tokens.",
    ),
    key("model.overlap", "tokens", "What two neighbouring windows of a long text share."),
    key(
        "model.labels",
        "auto, raw, table",
        "How labels become sentiments: by their names, not at all, or by a table such as \
         `{ LABEL_0 = \"negative\", LABEL_1 = \"positive\" }`.",
    ),
    key(
        "model.threads",
        "number",
        "How many batches are computed at once on a CPU, each on a core of its own; by default as many as there are \
         cores.",
    ),
    key(
        "model.max_batch_tokens",
        "tokens",
        "The most tokens that are computed together; a CPU takes fewer, since it gains nothing by more than 256.",
    ),
    key(
        "model.max_queue_tokens",
        "tokens",
        "The most tokens of single texts that may wait; beyond them requests get 503 `saturated`. Texts of batches and \
         streams have half as much room of their own, and beyond it stand in line.",
    ),
    key(
        "model.max_queue_items",
        "number",
        "The most single texts that may wait, each with all its windows; likewise. A batch gets 503 where as many texts \
         of batches and streams wait or stand in line.",
    ),
    key(
        "model.max_wait",
        "seconds",
        "The longest a text may wait in the queue; then 503 `deadline_exceeded`. The time that a text of a batch or \
         stream stands in line before it does not count.",
    ),
    key("hub.endpoint", "URL", "The hub; by default `HF_ENDPOINT`, else `https://huggingface.co`."),
    key(
        "hub.token",
        "secret",
        "Opens private and gated models; by default `HF_TOKEN`, else the file that `hf auth login` writes.",
    ),
    key(
        "hub.cache",
        "folder",
        "Where models of the hub are kept; by default `HF_HUB_CACHE`, else `$HF_HOME/hub`, else \
         `~/.cache/huggingface/hub`, which other Hugging Face tools share.",
    ),
    key(
        "hub.offline",
        "true, false",
        "Whether models are taken from that folder alone, without a connection; by default what `HF_HUB_OFFLINE` says.",
    ),
    key("hub.retries", "0–100", "How often what failed without getting any further is asked for again."),
    key("hub.timeout", "seconds", "The longest that the hub may be silent."),
    key(
        "cache.enabled",
        "true, false",
        "Whether a text that was read a while ago, or is being read now, is answered without reading it again. Every \
         answer is kept as a new one all the same.",
    ),
    key(
        "cache.max_entries",
        "1–10000000",
        "The most outputs that are kept, most of them some 600 bytes each.",
    ),
    key(
        "cache.max_bytes",
        "65536–68719476736",
        "The most bytes of memory that they take. An output of more than 128 windows is not kept.",
    ),
    key("cache.ttl", "seconds", "How long an output is kept."),
    key("limits.max_chars", "1–200000", "The longest text, in characters."),
    key(
        "limits.max_body_bytes",
        "bytes",
        "The largest body of a single prediction, and the longest line of a stream.",
    ),
    key("limits.max_batch_body_bytes", "bytes", "The largest body of a batch."),
    key("log.filter", "filter", "What is logged, in the syntax of `tracing-subscriber`'s `EnvFilter`."),
    key(
        "log.format",
        "auto, json, pretty",
        "The form of log lines; `auto` is pretty on a terminal, JSON otherwise.",
    ),
];

/// What stands below the table: sections whose names users choose.
const MODELS: &str = "\n## Models beside the default\n\n\
     Each section `[models.<name>]` is one more model, with the keys of `[model]`, their defaults, and no `name`: it is\n\
     served as `<name>`, which is 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first, and not the name\n\
     of another. In the environment `UNDERTONE_MODELS__<NAME>__PATH` and so on set the model of that name in lower case.\n";

/// The reference page: every key with its environment variable, values, default and meaning.
pub(crate) fn reference_markdown() -> String {
    let defaults = flatten(&Settings::default());
    let mut page = String::from(
        "# Configuration\n\n\
         Generated by `cargo xtask codegen`; do not edit.\n\n\
         Defaults are overridden by `undertone.toml` in the working directory (or the file of `--config`), that by\n\
         the environment, that by flags (`--set section.key=value`, and short ones for common keys). Unknown keys\n\
         are errors. Lengths of time are seconds.\n\n\
         | Key | Environment | Values | Default | Meaning |\n|---|---|---|---|---|\n",
    );
    let line = |Key { name, values, meaning }: &Key| {
        let env = format!("UNDERTONE_{}", name.to_uppercase().replace('.', "__"));
        let default = defaults.iter().find(|(key, _)| key == name).map_or("none", |(_, value)| value);
        format!("| `{name}` | `{env}` | {values} | `{default}` | {meaning} |\n")
    };
    page.extend(KEYS.iter().map(line));
    page.push_str(MODELS);
    page
}

/// Returns the effective settings as lines of TOML that can be used as a configuration file, with secrets redacted.
pub(crate) fn effective(settings: &Settings) -> String {
    let line = |(key, value): (String, String)| match value.as_str() {
        "none" => format!("# {key} is not set\n"),
        value => format!("{key} = {value}\n"),
    };
    flatten(settings).into_iter().map(line).collect()
}

/// Every `section.key` with its value as TOML writes it, `none` where it is not set, secrets blind.
fn flatten(settings: &Settings) -> Vec<(String, String)> {
    let Ok(Value::Object(sections)) = serde_json::to_value(settings) else { return Vec::new() };
    let mut flat = Vec::new();
    for (section, keys) in sections {
        let Value::Object(keys) = keys else { continue };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            let value = match value {
                Value::Object(model) if section == "models" => {
                    flat.extend(flatten_model(&key, &model));
                    continue;
                }
                _ if name == "store.url" => Value::String(settings.store.url.redacted()),
                value => value,
            };
            flat.push((name, toml_value(&value)));
        }
    }
    flat
}

/// Every key of a model beside the default but its name, which is that of its section and may hold dots.
fn flatten_model(model: &str, keys: &Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    let section = format!("models.{}", Value::String(model.to_owned()));
    let keys = keys.iter().filter(|(key, _)| *key != "name");
    keys.map(move |(key, value)| (format!("{section}.{key}"), toml_value(value)))
}

/// A value in TOML's form. JSON's strings, numbers, bools and arrays are TOML's too; tables differ.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Object(table) => {
            let entry = |(key, value): (&String, &Value)| format!("{} = {value}", Value::String(key.clone()));
            format!("{{ {} }}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cli::Overrides;
    use figment::Jail;
    use infra_ml::ModelSettings;

    use super::*;
    use crate::config::DEFAULT_FILE;

    #[test]
    fn every_key_is_documented_and_nothing_else() {
        let documented: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        let real: BTreeSet<String> = flatten(&Settings::default()).into_iter().map(|(key, _)| key).collect();
        assert_eq!(documented, real);
        assert_eq!(documented.len(), KEYS.len());
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        Jail::expect_with(|jail| {
            let values = vec![
                ("model.labels".to_owned(), "{ LABEL_0 = \"negative\" }".to_owned()),
                ("server.cors_origins".to_owned(), "[\"https://a.example\"]".to_owned()),
            ];
            let mut settings = Settings::load(&Overrides { file: None, values }).unwrap();
            let model = ModelSettings { path: Some("x".into()), window: Some(7), ..ModelSettings::default() };
            settings.models = [("v1.2".to_owned(), model), ("b".to_owned(), ModelSettings::default())].into();
            jail.create_file(DEFAULT_FILE, &effective(&settings))?;
            assert_eq!(Settings::load(&Overrides::default()).unwrap(), settings);
            Ok(())
        });
    }
}

use super::rule::Table;

/// What one crate of the workspace may depend on.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) name: &'static str,
    /// Its dependencies among the crates of this workspace.
    pub(super) inside: &'static [&'static str],
    /// Its dependencies from registries, in lists that layers share.
    pub(super) outside: &'static [&'static [&'static str]],
    /// The further dependencies of its tests.
    pub(super) dev_inside: &'static [&'static str],
    pub(super) dev_outside: &'static [&'static str],
}

/// A technology that only some crates may use.
#[derive(Debug)]
pub(super) struct Owned {
    /// A crate's name, or the beginning of names followed by a star.
    pub(super) pattern: &'static str,
    pub(super) owners: &'static [&'static str],
}

/// What any adapter may use: crates that are no choice of a technology.
const PLUMBING: &[&str] = &[
    "async-trait",
    "futures-util",
    "metrics",
    "serde",
    "serde_json",
    "thiserror",
    "tokio",
    "tracing",
    "uuid",
];

/// Every crate, the innermost first.
pub(super) const LAYERS: &[Layer] = &[
    Layer { name: "domain", inside: &[], outside: &[], dev_inside: &[], dev_outside: &["proptest"] },
    Layer {
        name: "application",
        inside: &["domain"],
        outside: &[&["async-trait", "futures-util", "thiserror", "tracing"]],
        dev_inside: &["testkit"],
        dev_outside: &["proptest", "tokio", "tracing-subscriber"],
    },
    Layer {
        name: "store-codec",
        inside: &["application", "domain"],
        outside: &[&["metrics", "serde", "serde_json", "tracing"]],
        dev_inside: &[],
        dev_outside: &[],
    },
    Layer {
        name: "infra-local",
        inside: &["application", "domain"],
        outside: &[
            PLUMBING,
            &["crc32fast", "getrandom", "governor", "hmac", "jiff", "moka", "sha2", "subtle"],
            &["tokio-util", "unicode-segmentation"],
        ],
        dev_inside: &["testkit"],
        dev_outside: &["proptest", "tempfile", "tracing-subscriber"],
    },
    Layer {
        name: "infra-ml",
        inside: &["application", "domain"],
        outside: &[
            PLUMBING,
            &[
                "base64",
                "candle-core",
                "candle-nn",
                "gemm",
                "hf-hub",
                "prost",
                "reqwest",
                "safetensors",
                "sha1",
                "sha2",
                "tokenizers",
            ],
            &[
                "bytemuck",
                "crc32fast",
                "glob",
                "half",
                "hex",
                "libc",
                "rayon",
                "rten-simd",
                "rten-vecmath",
                "schemars",
                "tokio-util",
            ],
        ],
        dev_inside: &["testkit"],
        dev_outside: &["criterion", "proptest", "tempfile", "tracing-subscriber"],
    },
    Layer {
        name: "infra-postgres",
        inside: &["application", "domain", "store-codec"],
        outside: &[PLUMBING, &["sqlx"]],
        dev_inside: &["store-contract", "testkit"],
        dev_outside: &["proptest", "tracing-subscriber"],
    },
    Layer {
        name: "infra-sqlite",
        inside: &["application", "domain", "store-codec"],
        outside: &[PLUMBING, &["sqlx"]],
        dev_inside: &["store-contract", "testkit"],
        dev_outside: &["proptest", "tempfile"],
    },
    Layer {
        name: "infra-http",
        inside: &["application", "domain"],
        outside: &[PLUMBING, &["base64", "reqwest", "ring", "schemars"]],
        dev_inside: &["testkit"],
        dev_outside: &["jsonwebtoken"],
    },
    Layer {
        name: "http-actix",
        inside: &["application", "domain"],
        outside: &[
            PLUMBING,
            &[
                "actix-cors",
                "actix-http",
                "actix-server",
                "actix-service",
                "actix-web",
                "csv",
                "ipnet",
                "jiff",
                "percent-encoding",
            ],
            &["brotli", "rlimit", "schemars", "sha2", "socket2", "tracing-actix-web", "utoipa"],
        ],
        dev_inside: &["testkit"],
        dev_outside: &["insta", "proptest", "sfv", "tracing-subscriber"],
    },
    Layer {
        name: "cli",
        inside: &["application", "domain"],
        outside: &[
            PLUMBING,
            &["clap", "clap_complete", "console", "csv", "indicatif", "jiff", "terminal_size"],
            &["unicode-segmentation", "unicode-width"],
        ],
        dev_inside: &[],
        dev_outside: &["insta"],
    },
    Layer {
        name: "app",
        inside: &[
            "application",
            "cli",
            "domain",
            "http-actix",
            "infra-http",
            "infra-local",
            "infra-ml",
            "infra-postgres",
            "infra-sqlite",
        ],
        outside: &[
            PLUMBING,
            &["anyhow", "figment", "metrics-exporter-prometheus"],
            &["rustix", "schemars", "strsim", "tokio-util", "toml", "tracing-subscriber"],
        ],
        dev_inside: &["store-contract", "testkit"],
        dev_outside: &[
            "base64",
            "clap",
            "insta",
            "jiff",
            "jsonwebtoken",
            "pty-process",
            "sqlx",
            "tempfile",
            "ureq",
        ],
    },
    // Beside the layers: the crates of the tests and of the development commands.
    Layer {
        name: "store-contract",
        inside: &["application", "domain"],
        outside: &[PLUMBING, &["proptest"]],
        dev_inside: &[],
        dev_outside: &[],
    },
    Layer {
        name: "testkit",
        inside: &["application", "domain", "store-codec"],
        outside: &[PLUMBING, &["hex", "sha1", "sha2"]],
        dev_inside: &["store-contract"],
        dev_outside: &[],
    },
    Layer {
        name: "xtask",
        inside: &[],
        outside: &[
            &[
                "anyhow",
                "brotli",
                "cargo_metadata",
                "clap",
                "proc-macro2",
                "serde",
                "serde_json",
                "sha2",
                "syn",
            ],
            &["tempfile", "ureq"],
        ],
        dev_inside: &[],
        dev_outside: &[],
    },
];

/// The technologies that only some crates may use. A test checks the lists above against it.
pub(super) const OWNED: &[Owned] = &[
    Owned { pattern: "sqlx", owners: &["infra-postgres", "infra-sqlite"] },
    Owned { pattern: "candle-*", owners: &["infra-ml"] },
    Owned { pattern: "rten-*", owners: &["infra-ml"] },
    Owned { pattern: "prost", owners: &["infra-ml"] },
    Owned { pattern: "tokenizers", owners: &["infra-ml"] },
    Owned { pattern: "hf-hub", owners: &["infra-ml"] },
    Owned { pattern: "reqwest", owners: &["infra-http", "infra-ml"] },
    Owned { pattern: "ring", owners: &["infra-http"] },
    Owned { pattern: "moka", owners: &["infra-local"] },
    Owned { pattern: "unicode-segmentation", owners: &["cli", "infra-local"] },
    Owned { pattern: "actix-*", owners: &["http-actix"] },
    Owned { pattern: "figment", owners: &["app", "xtask"] },
    Owned { pattern: "anyhow", owners: &["app", "xtask"] },
    Owned { pattern: "clap", owners: &["cli", "xtask"] },
    Owned { pattern: "clap_complete", owners: &["cli"] },
    Owned { pattern: "csv", owners: &["cli", "http-actix", "xtask"] },
    Owned { pattern: "indicatif", owners: &["cli", "xtask"] },
];

impl Layer {
    /// Whether this layer's manifest may have the crate in the table.
    pub(super) fn allows(&self, name: &str, inside: bool, table: Table) -> bool {
        let normal = if inside {
            self.inside.contains(&name)
        } else {
            self.outside.iter().any(|list| list.contains(&name))
        };
        let dev = if inside { self.dev_inside } else { self.dev_outside };
        match table {
            Table::Normal => normal,
            Table::Dev => normal || dev.contains(&name),
            // No crate has a build script; the first that needs one gets a list here.
            Table::Build => false,
        }
    }
}

impl Owned {
    /// Whether `name` is this technology.
    pub(super) fn names(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.pattern,
        }
    }
}

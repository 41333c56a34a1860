/// A step of the schema: its two files, embedded in the program.
///
/// `sqlx::migrate!` would read the folder, but the crate of sqlx's macros compiles both drivers a second time.
#[derive(Debug, Clone, Copy)]
pub struct SchemaStep {
    /// The number at the start of its files' names.
    pub version: i64,
    /// What the names say after the number, with `_` between words.
    pub name: &'static str,
    /// The statements that apply it.
    pub up: &'static str,
    /// The statements that revert it.
    pub down: &'static str,
}

impl SchemaStep {
    /// Returns the number of `digits`.
    ///
    /// # Panics
    /// Where they are not a number, which stops the compiler: it is called for constants only.
    pub const fn version(digits: &str) -> i64 {
        match i64::from_str_radix(digits, 10) {
            Ok(version) => version,
            Err(_) => panic!("the version of a step must be a number"),
        }
    }

    /// Returns the text that sqlx, here and in its command-line tool, records beside the version.
    pub fn description(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// Returns the steps of a folder of `migrations/` as a slice of [`SchemaStep`]; each is named by number and name.
#[macro_export]
macro_rules! schema_steps {
    ($folder:literal: $($version:literal $name:literal),+ $(,)?) => {
        &[$($crate::SchemaStep {
            version: const { $crate::SchemaStep::version($version) },
            name: $name,
            up: $crate::schema_steps!(@file $folder, $version, $name, ".up.sql"),
            down: $crate::schema_steps!(@file $folder, $version, $name, ".down.sql"),
        }),+]
    };
    (@file $folder:literal, $version:literal, $name:literal, $end:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/", $folder, "/", $version, "_", $name, $end))
    };
}

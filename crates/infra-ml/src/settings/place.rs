/// Where a model's settings were given, for messages that state what to change there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SettingsPlace {
    /// The section `[model]` of the configuration.
    #[default]
    DefaultSection,
    /// The section `[models.NAME]` of the configuration.
    NamedSection(String),
    /// A request to load a model.
    Request,
}

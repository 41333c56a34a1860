use figment::providers::Env;
use infra_ml::HubSettings;

/// The section `[hub]`, where `HF_HUB_OFFLINE` decides what `offline` leaves open, with the words that Hugging Face's
/// tools take for a yes. `hf-hub` reads their other variables.
pub(crate) fn with_environment(settings: &HubSettings) -> HubSettings {
    let offline = settings.offline.unwrap_or_else(|| {
        Env::var("HF_HUB_OFFLINE")
            .is_some_and(|word| ["1", "on", "yes", "true"].iter().any(|yes| word.eq_ignore_ascii_case(yes)))
    });
    HubSettings { offline: Some(offline), ..settings.clone() }
}

#[cfg(test)]
mod tests {
    use figment::Jail;

    use super::*;

    #[test]
    fn the_environment_says_offline_where_the_configuration_says_nothing() {
        Jail::expect_with(|jail| {
            let offline =
                |offline| with_environment(&HubSettings { offline, ..HubSettings::default() }).offline;
            for (word, expected) in [("1", true), ("True", true), ("0", false), ("", false)] {
                jail.set_env("HF_HUB_OFFLINE", word);
                assert_eq!(offline(None), Some(expected), "{word}");
            }
            jail.set_env("HF_HUB_OFFLINE", "1");
            assert_eq!(offline(Some(false)), Some(false));
            Ok(())
        });
    }
}

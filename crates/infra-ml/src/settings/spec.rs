//! From what a client sent to settings.

use application::ports::ModelSpec;

use crate::settings::{LabelMapping, ModelSettings, Seconds, SettingsError, SettingsPlace};

impl ModelSettings {
    /// The settings of `spec`, with the defaults of what it does not say. A client cannot set `max_bytes`.
    pub(crate) fn from_spec(spec: ModelSpec, max_bytes: u64) -> Result<Self, SettingsError> {
        let default = Self::default();
        let settings = Self {
            path: Some(spec.path.into()),
            name: None,
            precision: parse("precision", spec.precision.as_deref())?.unwrap_or(default.precision),
            device: parse("device", spec.device.as_deref())?.unwrap_or(default.device),
            window: number("window", spec.window)?,
            overlap: number("overlap", spec.overlap)?,
            labels: spec
                .labels
                .map_or(Ok(default.labels), LabelMapping::try_from)
                .map_err(|reason| SettingsError::new("labels", reason))?,
            threads: number("threads", spec.threads)?,
            max_batch_tokens: number("max_batch_tokens", spec.max_batch_tokens)?,
            max_queue_tokens: number("max_queue_tokens", spec.max_queue_tokens)?
                .unwrap_or(default.max_queue_tokens),
            max_queue_items: number("max_queue_items", spec.max_queue_items)?
                .unwrap_or(default.max_queue_items),
            max_wait: spec.max_wait.map(Seconds),
            max_bytes,
            place: SettingsPlace::Request,
        };
        settings.validate()?;
        Ok(settings)
    }
}

fn parse<T: std::str::FromStr<Err = String>>(
    key: &'static str,
    given: Option<&str>,
) -> Result<Option<T>, SettingsError> {
    given.map(str::parse).transpose().map_err(|reason| SettingsError::new(key, reason))
}

fn number<T: TryFrom<usize>>(key: &'static str, given: Option<i64>) -> Result<Option<T>, SettingsError> {
    let Some(given) = given else { return Ok(None) };
    let number = usize::try_from(given).ok().and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| SettingsError::new(key, format_args!("{given} is too low or too high")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroUsize;

    use application::ports::LabelsSpec;

    use super::*;
    use crate::settings::{DeviceChoice, Precision};

    const MAX_BYTES: u64 = 8;

    fn spec() -> ModelSpec {
        ModelSpec { path: "x".to_owned(), ..ModelSpec::default() }
    }

    fn settings(spec: ModelSpec) -> Result<ModelSettings, SettingsError> {
        ModelSettings::from_spec(spec, MAX_BYTES)
    }

    #[test]
    fn a_spec_of_a_path_alone_gives_the_defaults_with_the_limit_of_the_operator() {
        let place = SettingsPlace::Request;
        let expected = ModelSettings { max_bytes: MAX_BYTES, place, ..ModelSettings::new("x") };
        assert_eq!(settings(spec()), Ok(expected));
    }

    #[test]
    fn each_value_of_a_spec_is_in_the_settings() {
        let spec = ModelSpec {
            precision: Some("int8".to_owned()),
            device: Some("cpu".to_owned()),
            window: Some(100),
            overlap: Some(0),
            labels: Some(LabelsSpec::Rule("raw".to_owned())),
            threads: Some(3),
            max_batch_tokens: Some(4),
            max_queue_tokens: Some(5),
            max_queue_items: Some(6),
            max_wait: Some(7.5),
            ..spec()
        };
        let expected = ModelSettings {
            path: Some("x".into()),
            name: None,
            precision: Precision::Int8,
            device: DeviceChoice::Cpu,
            window: Some(100),
            overlap: Some(0),
            labels: LabelMapping::Raw,
            threads: NonZeroUsize::new(3),
            max_batch_tokens: Some(4),
            max_queue_tokens: 5,
            max_queue_items: 6,
            max_wait: Some(Seconds(7.5)),
            max_bytes: MAX_BYTES,
            place: SettingsPlace::Request,
        };
        assert_eq!(settings(spec), Ok(expected));
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_key() {
        let refused = |change: fn(&mut ModelSpec)| {
            let mut spec = spec();
            change(&mut spec);
            settings(spec).unwrap_err()
        };
        assert_eq!(refused(|spec| spec.path.clear()).key, "path");
        assert_eq!(refused(|spec| spec.precision = Some("f31".into())).key, "precision");
        assert_eq!(refused(|spec| spec.device = Some("tpu".into())).key, "device");
        assert_eq!(refused(|spec| spec.window = Some(-1)).key, "window");
        assert_eq!(refused(|spec| spec.threads = Some(0)).key, "threads");
        assert_eq!(refused(|spec| spec.max_queue_items = Some(0)).key, "max_queue_items");
        assert_eq!(refused(|spec| spec.overlap = Some(i64::MAX)).key, "overlap");
        assert_eq!(refused(|spec| spec.threads = Some(1_025)).key, "threads");
        assert_eq!(refused(|spec| spec.max_wait = Some(0.0)).key, "max_wait");
        assert_eq!(refused(|spec| spec.labels = Some(LabelsSpec::Rule("odd".into()))).key, "labels");
        let table = LabelsSpec::Table(BTreeMap::from([("LABEL_0".to_owned(), "glad".to_owned())]));
        let refused = settings(ModelSpec { labels: Some(table), ..spec() }).unwrap_err();
        assert!(
            refused.to_string().starts_with("labels: of LABEL_0, the sentiment must be one of"),
            "{refused}"
        );
    }
}

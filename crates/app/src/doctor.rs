//! The checks of `undertone doctor`: one file for each part of what the service needs. They use what the service uses
//! (the configuration, the store's adapter, the loader of models, the listener), so that they find what it would.

mod configuration;
mod machine;
mod model;
mod network;
mod store;

use cli::{Finding, Overrides};

use crate::config::Settings;

/// Examines what the service needs, and hands each finding to `report` as soon as it is known. Every model is loaded
/// with `load`, else only small ones.
pub(crate) async fn examine(
    settings: &Settings,
    overrides: &Overrides,
    load: bool,
    report: &mut dyn FnMut(Finding),
) {
    report(configuration::examine(settings, overrides));
    store::examine(settings, report).await;
    let weights = model::examine(settings, load, report).await;
    machine::examine(settings, weights, report);
    network::examine(settings, report).await;
}

/// A number of bytes in words.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, name)| format!("{:.1} {name}", bytes as f64 / unit as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_units_that_can_be_read() {
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
    }
}

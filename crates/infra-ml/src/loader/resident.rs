use super::Engines;
use crate::load_error::TrialError;
use crate::settings::Precision;

/// A form in which a model's weights can be in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) precision: Precision,
    /// Whether the scales of layer norms are folded into the weights behind them; only with int8.
    pub(super) fold_norms: bool,
}

impl Variant {
    pub(super) const F32: Self = Self::plain(Precision::F32);
    pub(super) const INT8: Self = Self::plain(Precision::Int8);
    pub(super) const INT8_FOLDED: Self = Self { precision: Precision::Int8, fold_norms: true };

    pub(super) const fn plain(precision: Precision) -> Self {
        Self { precision, fold_norms: false }
    }
}

/// The engines in memory, of one variant at a time: those of another are dropped before the next are loaded, so that
/// trying several takes no more memory than the largest.
pub(super) struct Resident<'a> {
    load: &'a dyn Fn(Variant) -> Result<Engines, TrialError>,
    engines: Option<(Variant, Engines)>,
}

impl<'a> Resident<'a> {
    /// Nothing in memory; `load` loads the engines of a variant, at least one.
    pub(super) fn new(load: &'a dyn Fn(Variant) -> Result<Engines, TrialError>) -> Self {
        Self { load, engines: None }
    }

    /// The engines of `variant`, loaded unless they are in memory.
    pub(super) fn get(&mut self, variant: Variant) -> Result<&mut Engines, TrialError> {
        let engines = self.take(variant)?;
        Ok(&mut self.engines.insert((variant, engines)).1)
    }

    /// As [`get`](Self::get), but the caller owns the engines.
    pub(super) fn take(&mut self, variant: Variant) -> Result<Engines, TrialError> {
        match self.engines.take() {
            Some((resident, engines)) if resident == variant => Ok(engines),
            others => {
                drop(others);
                (self.load)(variant)
            }
        }
    }
}

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::ports::StoreError;

/// One step of the store's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// Its number; steps are applied in this order.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// Its state.
    pub state: StepState,
}

/// The state of a step in the store, compared with this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Known to this release, not applied to the store.
    Missing,
    /// Known and applied.
    Applied,
    /// Applied with other content than this release has for it.
    Altered,
    /// Applied by a newer release, unknown to this one.
    Unknown,
}

/// A step of a release, or the store's record of an applied one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedStep {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// The digest of its content.
    pub checksum: Vec<u8>,
}

/// A change of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaChange {
    /// Apply every step that is missing.
    Up,
    /// Revert the last `count` steps.
    Down {
        /// How many.
        count: usize,
    },
}

/// Why a schema was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// An unknown step may build on the one to revert.
    #[error(
        "cannot revert step {below}: step {version} ({description}) above it is unknown to this release; \
         revert that one first, with the release that has it"
    )]
    NewerStep {
        /// The step to revert.
        below: i64,
        /// The unknown step.
        version: i64,
        /// Its name.
        description: String,
    },
    /// A step was applied with other content than this release has for it.
    #[error(
        "step {version} ({description}) was applied with other content than this release has for it; \
         use the release that applied it"
    )]
    AlteredStep {
        /// The step.
        version: i64,
        /// Its name.
        description: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SchemaChange {
    /// The versions of `steps` to apply or revert, in the order in which that must happen.
    ///
    /// # Errors
    /// `AlteredStep`, `NewerStep`.
    pub fn versions(self, steps: &[MigrationStep]) -> Result<Vec<i64>, SchemaError> {
        match self {
            Self::Up => MigrationStep::to_apply(steps),
            Self::Down { count } => MigrationStep::to_revert(steps, count),
        }
    }
}

impl From<(i64, String, Vec<u8>)> for RecordedStep {
    fn from((version, description, checksum): (i64, String, Vec<u8>)) -> Self {
        Self { version, description, checksum }
    }
}

impl MigrationStep {
    /// The steps of this release and those applied to the store, in order.
    pub fn compare(known: impl Iterator<Item = RecordedStep>, applied: Vec<RecordedStep>) -> Vec<Self> {
        let known: Vec<_> = known.collect();
        let mut steps = BTreeMap::new();
        for RecordedStep { version, description, .. } in known.iter().cloned() {
            steps.insert(version, Self { version, description, state: StepState::Missing });
        }
        for RecordedStep { version, description, checksum } in applied {
            let state = match known.iter().find(|step| step.version == version) {
                Some(step) if step.checksum == checksum => StepState::Applied,
                Some(_) => StepState::Altered,
                None => StepState::Unknown,
            };
            steps.insert(version, Self { version, description, state });
        }
        steps.into_values().collect()
    }

    /// The versions of `steps` to apply, in order.
    ///
    /// # Errors
    /// `AlteredStep`: nothing is built on a step with other content.
    pub fn to_apply(steps: &[Self]) -> Result<Vec<i64>, SchemaError> {
        if let Some(altered) = steps.iter().find(|step| step.state == StepState::Altered) {
            return Err(altered.is_altered());
        }
        let missing = steps.iter().filter(|step| step.state == StepState::Missing);
        Ok(missing.map(|step| step.version).collect())
    }

    /// The versions of the last `count` known steps that are applied, the last one first.
    ///
    /// # Errors
    /// `NewerStep` where an unknown step is above one of them, `AlteredStep` for one of them.
    pub fn to_revert(steps: &[Self], count: usize) -> Result<Vec<i64>, SchemaError> {
        let known = |step: &&Self| matches!(step.state, StepState::Applied | StepState::Altered);
        let reverted: Vec<&Self> = steps.iter().filter(known).rev().take(count).collect();
        let Some(lowest) = reverted.last().map(|step| step.version) else { return Ok(Vec::new()) };
        let unknown = |step: &&Self| step.state == StepState::Unknown && step.version > lowest;
        if let Some(Self { version, description, .. }) = steps.iter().rfind(unknown) {
            let (version, description) = (*version, description.clone());
            return Err(SchemaError::NewerStep { below: lowest, version, description });
        }
        if let Some(altered) = reverted.iter().find(|step| step.state == StepState::Altered) {
            return Err(altered.is_altered());
        }
        Ok(reverted.iter().map(|step| step.version).collect())
    }

    fn is_altered(&self) -> SchemaError {
        SchemaError::AlteredStep { version: self.version, description: self.description.clone() }
    }
}

/// Applies and reverts the steps of the store's schema.
///
/// Implementations must let several processes do this on one store at the same time (`many_may_migrate_at_once`),
/// must ignore unknown steps, which a newer release applied (`an_unknown_step_is_listed_and_left_alone`), and must
/// not revert a step on which such a step may build (`no_step_below_an_unknown_one_is_reverted`).
#[async_trait]
pub trait SchemaMigrator: Send + Sync {
    /// Applies every missing step; returns how many.
    ///
    /// # Errors
    /// `AlteredStep`, and then nothing is changed; `Store`.
    async fn up(&self) -> Result<usize, SchemaError>;

    /// Reverts the last `count` steps, with the data that they store; returns how many.
    ///
    /// # Errors
    /// `NewerStep` and `AlteredStep`, and then nothing is changed; `Store`.
    async fn down(&self, count: usize) -> Result<usize, SchemaError>;

    /// The steps of this release and those applied to the store, in order.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One step for each letter of `states`, numbered from 1: `.` missing, `+` applied, `!` altered, `?` unknown.
    fn steps(states: &str) -> Vec<MigrationStep> {
        let state = |letter| match letter {
            '.' => StepState::Missing,
            '+' => StepState::Applied,
            '!' => StepState::Altered,
            _ => StepState::Unknown,
        };
        let step = |(version, letter)| MigrationStep {
            version,
            description: format!("step {version}"),
            state: state(letter),
        };
        (1..).zip(states.chars()).map(step).collect()
    }

    fn reverted(states: &str, count: usize) -> Result<Vec<i64>, String> {
        MigrationStep::to_revert(&steps(states), count).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn the_state_of_a_step_compares_release_and_store() {
        let recorded = |version, checksum: &[u8]| RecordedStep {
            version,
            description: format!("step {version}"),
            checksum: checksum.to_vec(),
        };
        let known = [recorded(1, b"a"), recorded(2, b"b"), recorded(4, b"d")];
        let applied = vec![recorded(3, b"c"), recorded(2, b"other"), recorded(1, b"a")];
        assert_eq!(MigrationStep::compare(known.into_iter(), applied), steps("+!?."));
    }

    #[test]
    fn missing_steps_are_applied_whatever_a_newer_release_added() {
        assert_eq!(MigrationStep::to_apply(&steps("+.?.")).ok(), Some(vec![2, 4]));
        assert!(MigrationStep::to_apply(&steps("!.")).is_err());
        assert!(MigrationStep::to_apply(&steps("+!")).is_err());
    }

    #[test]
    fn the_last_known_steps_are_reverted_last_one_first() {
        assert_eq!(reverted("+++.", 2), Ok(vec![3, 2]));
        assert_eq!(reverted("+++", 9), Ok(vec![3, 2, 1]));
        assert_eq!(reverted("...", 1), Ok(Vec::new()));
        assert_eq!(reverted("+?", 0), Ok(Vec::new()));
    }

    #[test]
    fn nothing_below_an_unknown_step_is_reverted() {
        for (states, count) in [("++?", 1), ("+?+", 2), ("+++?", 3)] {
            assert!(reverted(states, count).is_err_and(|error| error.starts_with("NewerStep")), "{states}");
        }
        assert_eq!(reverted("+?+", 1), Ok(vec![3]), "the unknown step is not above it");
    }

    #[test]
    fn a_step_with_other_content_is_not_reverted() {
        assert!(reverted("+!", 1).is_err_and(|error| error.starts_with("AlteredStep")));
        assert_eq!(reverted("!+", 1), Ok(vec![2]));
    }
}

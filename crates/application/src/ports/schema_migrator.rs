use async_trait::async_trait;

use crate::ports::StoreError;

/// One step of the store's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// Its number; steps are applied in this order.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// Whether the store has it.
    pub applied: bool,
}

/// Brings the store's schema up and down.
#[async_trait]
pub trait SchemaMigrator: Send + Sync {
    /// Applies every step that is missing; tells how many. Implementations must let several processes do this
    /// at once on one store, and must leave steps alone that they do not know (a newer release made them).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn up(&self) -> Result<usize, StoreError>;

    /// Takes the last `steps` steps back, and what they kept with them; tells how many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn down(&self, steps: usize) -> Result<usize, StoreError>;

    /// The steps this release knows, in order.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError>;
}

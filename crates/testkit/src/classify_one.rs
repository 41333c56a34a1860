use application::ports::{Admission, MlError, MlGateway};
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId};

/// [`MlGateway::classify`] for one text, with [`Admission::Single`] and without a deadline.
pub trait ClassifyOne {
    /// Returns the text's output, or its error or that of the whole call.
    fn classify_one(
        &self,
        tenant: &TenantId,
        text: &InputText,
        options: ReadOptions,
    ) -> impl Future<Output = Result<ModelOutput, MlError>> + Send;
}

impl<T: MlGateway + ?Sized> ClassifyOne for T {
    /// # Panics
    /// If the gateway does not return exactly one output.
    async fn classify_one(
        &self,
        tenant: &TenantId,
        text: &InputText,
        options: ReadOptions,
    ) -> Result<ModelOutput, MlError> {
        let mut outputs = self.classify(tenant, &[text], options, Admission::Single.into()).await?;
        assert_eq!(outputs.len(), 1, "one output for one text");
        outputs.remove(0)
    }
}

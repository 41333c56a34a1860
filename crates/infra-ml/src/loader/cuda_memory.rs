use application::action::chain;
use candle_core::Device;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::result;
use candle_core::cuda_backend::cudarc::driver::sys::CUmemPool_attribute;

use crate::engine::TensorError;

/// Makes the pool that Candle allocates from retain freed memory for later batches. By default it returns the memory
/// to the driver at each synchronization, which every batch ends in. Without it the device works too, but slower.
pub(super) fn retain_freed(device: &Device) {
    if let Err(error) = set_release_threshold(device, u64::MAX) {
        let error = TensorError::from(error);
        tracing::warn!(
            reason = chain(&error),
            "the memory pool of the CUDA device returns memory after each batch"
        );
    }
}

/// Sets how many bytes the device's pool retains at a synchronization.
fn set_release_threshold(device: &Device, mut bytes: u64) -> candle_core::Result<()> {
    let stream = device.as_cuda_device()?.cuda_stream();
    let context = stream.context();
    if !context.has_async_alloc() {
        // Then nothing is allocated from the pool.
        return Ok(());
    }
    // SAFETY: the device is one that the driver returned, and its context is alive; the pool is the device's own, which
    // is never destroyed; the attribute is of the type `cuuint64_t`, and the driver copies it before it returns.
    #[expect(unsafe_code, reason = "the driver's interface; cudarc has no safe one for pools")]
    unsafe {
        let pool = result::device::get_mem_pool(context.cu_device()).w()?;
        let threshold = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, threshold, (&raw mut bytes).cast()).w()
    }
}

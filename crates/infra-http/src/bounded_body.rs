use reqwest::Response;

/// Reads the body of `response`; none if it has more than `max_bytes`, of which no more than those are read.
pub(crate) async fn read_bounded(
    mut response: Response,
    max_bytes: usize,
) -> reqwest::Result<Option<Vec<u8>>> {
    let declared = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    if declared > max_bytes {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(declared);
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

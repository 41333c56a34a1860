/// Returns `text` with every URL in it reduced to what anybody may see: without a user and password, and without a
/// query, by which stores of large files authorize a reader.
///
/// The text is a message of the client, so that addresses must be found in it before any crate can parse them.
pub(super) fn redact_urls(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + "://".len());
        redacted.push_str(before);
        let end = address.find(|c: char| c.is_whitespace() || "()<>\"'".contains(c)).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        let host = address.find(['/', '?', '#']).unwrap_or(address.len());
        let (host, path) = address.split_at(host);
        redacted.push_str(host.rsplit('@').next().unwrap_or(host));
        let query = path.find(['?', '#']);
        redacted.push_str(&path[..query.unwrap_or(path.len())]);
        if query.is_some() {
            redacted.push_str("?…");
        }
        rest = after;
    }
    redacted.push_str(rest);
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_users_passwords_and_queries_and_nothing_else() {
        for (text, redacted) in [
            ("no address at all: a://", "no address at all: a://"),
            ("https://hub.example", "https://hub.example"),
            (
                "https://me:secret@hub.example/api/models?token=1 failed",
                "https://hub.example/api/models?… failed",
            ),
            (
                "error (http://cdn.example:80/a/b?Signature=x&Key=y): cut",
                "error (http://cdn.example:80/a/b?…): cut",
            ),
            ("http://a@b@c.example", "http://c.example"),
            ("two: http://x/?q https://u@y/#f", "two: http://x/?… https://y/?…"),
        ] {
            assert_eq!(redact_urls(text), redacted);
        }
    }
}

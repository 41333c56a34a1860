/// `text` with every address in it as it may be told to anyone: without a user and password, and without a query, by which
/// stores of large files know who may read.
pub fn without_secrets(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + "://".len());
        told.push_str(before);
        let end = address.find(|c: char| c.is_whitespace() || "()<>\"'".contains(c)).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        let host = address.find(['/', '?', '#']).unwrap_or(address.len());
        let (host, path) = address.split_at(host);
        told.push_str(host.rsplit('@').next().unwrap_or(host));
        let query = path.find(['?', '#']);
        told.push_str(&path[..query.unwrap_or(path.len())]);
        // What ends a sentence is no part of a query.
        if query.is_some() {
            told.push_str("?…");
        }
        rest = after;
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_users_passwords_and_queries_and_nothing_else() {
        for (text, told) in [
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
            assert_eq!(without_secrets(text), told);
        }
    }
}

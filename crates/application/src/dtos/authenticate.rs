use std::net::IpAddr;

use crate::ports::SecretText;

/// Find out who sent a request.
#[derive(Debug, Clone)]
pub struct AuthenticateRequest {
    /// What the request has sent.
    pub credential: Credential,
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
}

/// How a request says who sent it.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Not at all.
    Missing,
    /// In a form that no credential has, or in two ways at once.
    Malformed,
    /// By an API key.
    Key(SecretText),
    /// By a token (JWT).
    Token(SecretText),
}

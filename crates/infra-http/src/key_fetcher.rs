use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url, header};
use tokio::time::timeout;

use crate::bounded_body::read_bounded;
use crate::key_set::KeySet;

/// Fetches the key set of an identity provider from one address.
///
/// A request goes to the host and port of that address, or to the proxy that the environment names for https, and
/// nowhere else: redirects are not followed, and each request has a connection of its own.
pub(crate) struct KeyFetcher {
    pub(crate) client: Client,
    pub(crate) url: Url,
    /// The longest that a request may take, its connection included.
    pub(crate) limit: Duration,
}

/// Why the key set was not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the identity provider cannot be reached")]
    Unreachable {
        #[source]
        source: reqwest::Error,
    },
    #[error("the identity provider did not send its keys in time")]
    Timeout,
    #[error("the identity provider answered the request for its keys with {status}; check auth.jwt.jwks_url")]
    Status { status: StatusCode },
    #[error("the identity provider sends more than 1 MiB of keys; check auth.jwt.jwks_url")]
    TooLarge,
    #[error("what the identity provider sends is not a key set; check auth.jwt.jwks_url")]
    Malformed {
        #[source]
        source: serde_json::Error,
    },
}

const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The largest key set, in bytes.
const MAX_BYTES: usize = 1 << 20;

impl KeyFetcher {
    /// Fetches from `url`, which is checked already.
    ///
    /// # Errors
    /// The system's certificates or its proxy cannot be read.
    pub(crate) fn new(url: Url) -> Result<Self, reqwest::Error> {
        Self::with_client(Client::builder(), url)
    }

    pub(crate) fn with_client(client: ClientBuilder, url: Url) -> Result<Self, reqwest::Error> {
        let client = client
            .redirect(Policy::none())
            .http1_only()
            .pool_max_idle_per_host(0)
            .user_agent(concat!("undertone/", env!("CARGO_PKG_VERSION")));
        let client = if url.scheme() == "https" {
            client.https_only(true)
        } else {
            // Only for this machine, whatever proxies and name servers are there.
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            client
                .no_proxy()
                .resolve_to_addrs("localhost", &loopback.map(|address| SocketAddr::new(address, 0)))
        };
        Ok(Self { client: client.build()?, url, limit: TIME_LIMIT })
    }

    /// Fetches the key set.
    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let body = timeout(self.limit, self.body()).await.unwrap_or(Err(FetchError::Timeout))?;
        KeySet::parse(&body).map_err(|source| FetchError::Malformed { source })
    }

    async fn body(&self) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(self.url.clone()).header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { status: response.status() });
        }
        let body = read_bounded(response, MAX_BYTES).await.map_err(unreachable)?;
        body.ok_or(FetchError::TooLarge)
    }
}

impl FetchError {
    /// The value of the metric's label.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Timeout => "timeout",
            Self::Status { .. } => "status",
            Self::TooLarge => "too_large",
            Self::Malformed { .. } => "malformed",
        }
    }
}

fn unreachable(source: reqwest::Error) -> FetchError {
    FetchError::Unreachable { source: source.without_url() }
}

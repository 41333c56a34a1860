use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use crate::bounded_body::read_bounded;

/// A client of the health endpoints of a running service.
#[derive(Debug)]
pub struct HealthProbe {
    client: Client,
    base: Url,
}

/// Why a service is not known to be ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthProbeError {
    /// The URL is not that of a service. It is not repeated, since it may contain a password.
    #[error(
        "the address of a service is a URL such as http://127.0.0.1:8000, without credentials, query or fragment"
    )]
    Address,
    /// The system's certificates cannot be read.
    #[error("cannot prepare requests to {url}; check the certificates of this system")]
    Client {
        /// The service.
        url: Url,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// There is no response in time.
    #[error("{url} does not respond")]
    Unreachable {
        /// The endpoint.
        url: Url,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The response reports a failure.
    #[error("{url} responds with {status}")]
    NotReady {
        /// The endpoint.
        url: Url,
        /// The response's status.
        status: StatusCode,
    },
}

/// What a service reports of itself at `GET /health`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ReportedHealth {
    /// The worst status of its components.
    pub status: String,
    /// Its version; only the operators' listener shows it, where there is one.
    pub version: Option<String>,
}

/// The longest that a response may take, its connection included.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The largest report, in bytes.
const MAX_BYTES: usize = 1 << 20;

impl HealthProbe {
    /// A probe of the service at `base`, such as `http://127.0.0.1:8000`. Its requests bypass the proxies that the
    /// environment names.
    ///
    /// # Errors
    /// A URL that is not the address of a service, or a system whose certificates cannot be read.
    pub fn new(base: &str) -> Result<Self, HealthProbeError> {
        let base = Url::parse(base).ok().filter(is_address).ok_or(HealthProbeError::Address)?;
        let client = Client::builder()
            .timeout(TIME_LIMIT)
            .no_proxy()
            .tls_built_in_root_certs(base.scheme() == "https")
            .user_agent(concat!("undertone/", env!("CARGO_PKG_VERSION")));
        match client.build() {
            Ok(client) => Ok(Self { client, base }),
            Err(source) => Err(HealthProbeError::Client { url: base, source }),
        }
    }

    /// Checks that `/health/ready` responds with success.
    ///
    /// # Errors
    /// A service that does not respond, or responds otherwise.
    pub async fn check_ready(&self) -> Result<(), HealthProbeError> {
        let url = self.endpoint(&["health", "ready"]);
        match self.get(&url).await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(HealthProbeError::NotReady { url, status: response.status() }),
            Err(source) => Err(HealthProbeError::Unreachable { url, source: source.without_url() }),
        }
    }

    /// Returns what the service reports; none where something else responds, or nothing.
    pub async fn health(&self) -> Option<ReportedHealth> {
        let response = self.get(&self.endpoint(&["health"])).await.ok()?;
        let body = read_bounded(response, MAX_BYTES).await.ok()??;
        serde_json::from_slice(&body).ok()
    }

    fn endpoint(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Every URL of http and https has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn get(&self, url: &Url) -> reqwest::Result<Response> {
        self.client.get(url.clone()).send().await
    }
}

fn is_address(url: &Url) -> bool {
    ["http", "https"].contains(&url.scheme())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use testkit::{FakeIdentityProvider, ProviderFault};

    use super::*;

    /// Any server.
    fn server() -> (FakeIdentityProvider, HealthProbe) {
        let server = FakeIdentityProvider::start();
        let probe = HealthProbe::new(&format!("http://{}/", server.address())).unwrap();
        (server, probe)
    }

    #[tokio::test]
    async fn a_service_is_ready_if_it_responds_with_success() {
        let (server, probe) = server();
        assert!(probe.check_ready().await.is_ok());
        server.set_fault(Some(ProviderFault::Status(503)));
        let error = probe.check_ready().await.unwrap_err().to_string();
        let expected =
            format!("http://{}/health/ready responds with 503 Service Unavailable", server.address());
        assert_eq!(error, expected);
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_does_not_respond() {
        let (server, probe) = server();
        let address = server.address();
        drop(server);
        let error = probe.check_ready().await.unwrap_err().to_string();
        assert_eq!(error, format!("http://{address}/health/ready does not respond"));
        assert_eq!(probe.health().await, None);
    }

    #[tokio::test]
    async fn what_something_else_responds_is_no_report() {
        let (server, probe) = server();
        assert_eq!(probe.health().await, None);
        server.set_fault(Some(ProviderFault::Large { bytes: 100 << 20, declared: false }));
        assert_eq!(probe.health().await, None);
        assert!(server.sent() < 100 << 20, "all of it was read");
    }

    #[test]
    fn a_report_may_lack_the_version() {
        let health: ReportedHealth = serde_json::from_str(r#"{"status": "healthy", "checks": {}}"#).unwrap();
        assert_eq!(health, ReportedHealth { status: "healthy".to_owned(), version: None });
    }

    #[test]
    fn endpoints_are_below_the_address() {
        for (base, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/health/ready"),
            (" http://[::1]:8000/ ", "http://[::1]:8000/health/ready"),
            ("https://example.org/undertone/", "https://example.org/undertone/health/ready"),
        ] {
            let probe = HealthProbe::new(base).unwrap();
            assert_eq!(probe.endpoint(&["health", "ready"]).as_str(), expected);
        }
    }

    #[test]
    fn a_url_that_is_not_the_address_of_a_service_is_refused_and_not_shown() {
        for url in [
            "127.0.0.1:8000",
            "localhost",
            "ftp://127.0.0.1",
            "http://",
            "",
            "http://name:secret@h",
            "http://h/?q",
            "http://h/#f",
        ] {
            let error = HealthProbe::new(url).unwrap_err();
            assert!(matches!(error, HealthProbeError::Address), "{url}: {error}");
        }
    }
}

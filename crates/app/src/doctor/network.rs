use application::action::chain;
use cli::Finding;
use http_actix::BoundSockets;
use infra_http::ReportedHealth;

use crate::config::{AuthMode, Settings};
use crate::health_probe::health_probe;
use crate::server::exposure;

const PORT: &str = "port";
const EXPOSURE: &str = "exposure";

/// Whether the port is free or a healthy service's, and who can reach it.
pub(super) async fn examine(settings: &Settings, report: &mut dyn FnMut(Finding)) {
    report(port(settings).await);
    report(exposed(settings));
}

async fn port(settings: &Settings) -> Finding {
    let authority = settings.server.authority();
    match BoundSockets::bind(&settings.server) {
        Ok(_released) if settings.server.port == 0 => Finding::ok(PORT, "any free one"),
        Ok(_released) => Finding::ok(PORT, format!("{authority} is free")),
        Err(error) => {
            let probe = error.is_in_use().then(|| health_probe(&settings.server, None).ok()).flatten();
            let running = match probe {
                Some(probe) => probe.health().await,
                None => None,
            };
            match running {
                Some(service) => in_service(&authority, &service),
                None => Finding::of_error(PORT, &chain(&error), "choose another --port"),
            }
        }
    }
}

/// A service that runs on the port already.
fn in_service(authority: &str, ReportedHealth { status, version }: &ReportedHealth) -> Finding {
    let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let seen = format!("Undertone{version} runs on {authority} and is {status}");
    if status == "healthy" {
        return Finding::ok(PORT, seen);
    }
    Finding::warn(PORT, seen, format!("see http://{authority}/health and its log"))
}

fn exposed(settings: &Settings) -> Finding {
    if let Err(error) = exposure::check(settings) {
        return Finding::of_error(EXPOSURE, &chain(error.as_ref()), "set auth.mode");
    }
    let host = &settings.server.host;
    match (settings.auth.mode, exposure::is_local(settings)) {
        (AuthMode::Required, _) => Finding::ok(EXPOSURE, "callers need a key or a token"),
        (_, Ok(true)) => Finding::ok(EXPOSURE, "this machine only"),
        (_, Ok(false)) => Finding::warn(
            EXPOSURE,
            format!(
                "auth.mode is disabled and server.host is {host}: every client that reaches it may use it"
            ),
            "set auth.mode = \"required\" unless something else authenticates clients",
        ),
        (_, Err(error)) => Finding::of_error(EXPOSURE, &chain(error.as_ref()), "choose another --host"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use cli::Verdict;

    use super::*;

    #[tokio::test]
    async fn a_port_is_free_or_used() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut settings = Settings::default();
        settings.server.port = listener.local_addr().unwrap().port();
        // Something that is no service accepts and ends the connection.
        let silent = std::thread::spawn(move || drop(listener.accept()));
        let used = port(&settings).await;
        assert!(used.verdict == Verdict::Fail && used.seen.contains("already in use"), "{used:?}");
        assert_eq!(used.advice.as_deref(), Some("stop it, or choose another --port"));
        silent.join().unwrap();
        settings.server.port = 0;
        assert_eq!(port(&settings).await.verdict, Verdict::Ok);
    }

    #[test]
    fn a_service_that_runs_there_is_named_with_its_health() {
        let service = |status: &str| ReportedHealth { status: status.to_owned(), version: None };
        assert_eq!(in_service("h:1", &service("healthy")).verdict, Verdict::Ok);
        assert_eq!(in_service("h:1", &service("degraded")).verdict, Verdict::Warn);
    }

    #[test]
    fn a_service_without_authentication_that_others_reach_is_reported() {
        let found = |host: &str, mode| {
            let mut settings = Settings::default();
            settings.server.host = host.to_owned();
            settings.auth.mode = mode;
            exposed(&settings).verdict
        };
        assert_eq!(found("127.0.0.1", AuthMode::None), Verdict::Ok);
        assert_eq!(found("0.0.0.0", AuthMode::None), Verdict::Fail);
        assert_eq!(found("0.0.0.0", AuthMode::Disabled), Verdict::Warn);
        assert_eq!(found("0.0.0.0", AuthMode::Required), Verdict::Ok);
    }
}

//! Going away without failing anybody.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::Load;
use crate::undertone::{Undertone, wait_for};

/// The load balancer's callers honour `Connection: close` and then turn away.
#[test]
fn sigterm_under_load_fails_no_accepted_request() {
    let folder = TempDir::new().unwrap();
    let mut running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &["server.drain_delay=2"]);
    let load = Load::start(&running.api(), 64, |answer| answer.closes);
    wait_for("some load", || (load.answered() > 200).then_some(()));
    running.terminate();
    let terminated = Instant::now();
    wait_for("the service to be not ready", || (!running.api().is_ready()).then_some(()));
    let sent = load.join();
    let status = running.wait();
    // The promise to orchestrators, whose grace period is 30 s.
    assert!(terminated.elapsed() < Duration::from_secs(25), "took {:?}", terminated.elapsed());
    assert_eq!(status.code(), Some(0));
    for one in &sent {
        assert_eq!(one.answer.as_ref().map(|answer| answer.status), Some(200), "{one:?}");
    }
    assert!(running.log_of_level("ERROR").is_empty());
}

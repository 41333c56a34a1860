mod answer;
mod fault;
mod repo;
mod request;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use answer::Answer;
use fault::PlannedFaults;

pub use fault::HubFault;
pub use repo::{FakeRepo, HubFile};
pub use request::HubRequest;

/// A Hugging Face hub on the loopback address: its routes for models, small files from itself, large ones by a
/// redirect to a store, ranges, and the headers with commits and checksums. Tests plan its faults.
///
/// It runs on threads of its own, so that tests with and without a runtime can use it.
#[derive(Debug)]
pub struct FakeHub {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    repos: Mutex<Vec<FakeRepo>>,
    faults: Mutex<PlannedFaults>,
    requests: Mutex<Vec<HubRequest>>,
    connections: AtomicUsize,
    stalled: AtomicUsize,
    ended: AtomicBool,
}

impl FakeHub {
    /// A hub without models.
    ///
    /// # Panics
    /// Where the loopback address has no free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&serving);
                thread::spawn(move || state.serve(&connection, address));
            }
        });
        Self { address, state }
    }

    /// The value for `hub.endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes `repo`, replacing one with the same id and commit.
    ///
    /// # Panics
    /// Where a thread of the hub has panicked.
    pub fn publish(&self, repo: FakeRepo) {
        let mut repos = self.state.repos.lock().expect("no panic");
        repos.retain(|other| (&other.id, &other.commit) != (&repo.id, &repo.commit));
        // A revision stands for one commit.
        for other in repos.iter_mut().filter(|other| other.id == repo.id) {
            other.revisions.retain(|revision| !repo.revisions.contains(revision));
        }
        repos.push(repo);
    }

    /// Makes the next `times` GET requests fail whose path contains `part`.
    ///
    /// # Panics
    /// Where a thread of the hub has panicked.
    pub fn fail(&self, part: &str, times: usize, fault: HubFault) {
        self.state.faults.lock().expect("no panic").plan(part, times, fault);
    }

    /// The requests so far, in order.
    ///
    /// # Panics
    /// Where a thread of the hub has panicked.
    pub fn requests(&self) -> Vec<HubRequest> {
        self.state.requests.lock().expect("no panic").clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many answers have stalled.
    pub fn stalled(&self) -> usize {
        self.state.stalled.load(Ordering::SeqCst)
    }
}

impl Drop for FakeHub {
    /// Stops listening; answers in progress continue.
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    /// Answers one request. Each has a connection of its own.
    fn serve(&self, connection: &TcpStream, address: SocketAddr) {
        let Some(request) = HubRequest::read(connection) else { return };
        self.requests.lock().expect("no panic").push(request.clone());
        let fault = self.faults.lock().expect("no panic").take(&request);
        let answer = match &fault {
            Some(HubFault::Status { status, error_code, retry_after }) => {
                Answer::refusal(*status, *error_code, *retry_after)
            }
            _ => repo::answer(&self.repos.lock().expect("no panic"), &request, address),
        };
        if let Some(HubFault::StallAfter(_)) = fault {
            self.stalled.fetch_add(1, Ordering::SeqCst);
        }
        // Many tests are about clients that disconnect.
        let _ = answer.send(connection, &request, fault.as_ref());
    }
}

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::bench::clients::wait;
use crate::bench::table::table;
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct FeedArgs {
    /// The program to measure, built for release
    #[arg(long)]
    program: PathBuf,
    /// The PostgreSQL database that both replicas share; it should be empty
    #[arg(long)]
    store: String,
    /// The readers, half of which begin on each replica
    #[arg(long, default_value_t = 200)]
    readers: usize,
    /// The events per second
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// Seconds of load, during which each replica is restarted once
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// A replica that can be restarted at its port.
struct Replica<'a> {
    args: &'a FeedArgs,
    model: PathBuf,
    port: u16,
    child: Mutex<Child>,
}

/// What the readers and writers share.
struct Bench<'a> {
    replicas: [Replica<'a>; 2],
    is_over: AtomicBool,
    /// The predictions that were acknowledged, and those whose deletion was.
    written: Mutex<(HashSet<String>, HashSet<String>)>,
    reconnections: AtomicU64,
}

/// The events that a reader has received, in their order: position, whether it is a deletion, and the prediction.
type Received = Vec<(i64, bool, String)>;

/// The texts of a batch; the cache answers them after the first.
const BATCH: u64 = 50;
/// The predictions of a batch that are deleted.
const DELETED: usize = 2;
/// How long the readers have to connect before the load begins.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the readers have to catch up at the end.
const CATCH_UP: Duration = Duration::from_secs(30);
/// How long a replica may take to be ready.
const START: Duration = Duration::from_mins(1);
/// How long a reader waits before it connects again.
const RECONNECT: Duration = Duration::from_millis(200);
/// How long a stalled reader reads nothing.
const STALL: Duration = Duration::from_secs(20);

/// Runs readers and writers over two replicas, restarts each, and compares what was received with what was written.
pub(crate) fn run(workspace: &Workspace, args: &FeedArgs) -> anyhow::Result<()> {
    let bench = Bench {
        replicas: [Replica::start(workspace, args)?, Replica::start(workspace, args)?],
        is_over: AtomicBool::new(false),
        written: Mutex::default(),
        reconnections: AtomicU64::new(0),
    };
    let before = bench.resident()?;
    let received = thread::scope(|scope| {
        let bench = &bench;
        let readers: Vec<_> = (0..args.readers).map(|n| scope.spawn(move || bench.read(n))).collect();
        wait(CONNECT);
        let writer = scope.spawn(move || bench.write(args));
        for replica in &bench.replicas {
            wait(Duration::from_secs(args.seconds / 3));
            replica.restart()?;
        }
        writer.join().map_err(|_panic| anyhow::anyhow!("the writer panicked"))??;
        wait(CATCH_UP);
        bench.is_over.store(true, Ordering::SeqCst);
        let received: Result<Vec<Received>, _> =
            readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        received.map_err(|_panic| anyhow::anyhow!("a reader panicked"))
    })?;
    let (missed, repeated, disordered) = bench.compare(&received);
    let stalled = bench.stalled_memory(args)?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let rows = vec![
        row("readers", args.readers.to_string()),
        row("events received by the first reader", received.first().map_or(0, Vec::len).to_string()),
        row("reconnections", bench.reconnections.load(Ordering::SeqCst).to_string()),
        row("missed", missed.to_string()),
        row("repeated", repeated.to_string()),
        row("out of order", disordered.to_string()),
        row("resident before, KiB", before.to_string()),
        row("a stalled reader, KiB", stalled.to_string()),
    ];
    println!("{}", table(&["figure", "value"], &rows));
    ensure!(missed + repeated + disordered == 0, "the feed is not exact");
    Ok(())
}

impl<'a> Replica<'a> {
    fn start(workspace: &Workspace, args: &'a FeedArgs) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let model = workspace.root().join("models/sentiment-minilm-l6");
        let child = Mutex::new(spawn(args, &model, port)?);
        let replica = Self { args, model, port, child };
        replica.wait_until_ready()?;
        Ok(replica)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the process as an upgrade does, and starts it again.
    fn restart(&self) -> anyhow::Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        child.wait()?;
        *child = spawn(self.args, &self.model, self.port)?;
        drop(child);
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let url = format!("http://{}/health/ready", self.address());
        let began = Instant::now();
        while ureq::get(&url).call().is_err() {
            ensure!(began.elapsed() < START, "{url} is not ready after {START:?}");
            #[expect(clippy::disallowed_methods, reason = "no event says that another program is ready")]
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Replica<'_> {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.kill());
        drop(child.wait());
    }
}

fn spawn(args: &FeedArgs, model: &Path, port: u16) -> anyhow::Result<Child> {
    let mut command = Command::new(&args.program);
    command.args(["--port", &port.to_string(), "--store", &args.store, "--model"]).arg(model);
    command.args(["--set", "server.drain_delay=1", "--set", "log.filter=warn"]);
    command.stdout(Stdio::null());
    command.spawn().with_context(|| format!("cannot start {}", args.program.display()))
}

impl Bench<'_> {
    /// Writes batches at the rate, and deletes some of their predictions, on the replica that responds.
    fn write(&self, args: &FeedArgs) -> anyhow::Result<()> {
        let texts = BATCH - DELETED as u64;
        let items: Vec<Value> = (0..texts).map(|n| json!({"text": format!("text {n}")})).collect();
        let body = json!({"items": items}).to_string();
        let every = Duration::from_secs_f64(BATCH as f64 / args.rate as f64);
        let began = Instant::now();
        let mut next = began;
        while began.elapsed() < Duration::from_secs(args.seconds) {
            wait(next.saturating_duration_since(Instant::now()));
            next += every;
            let answered = self.replicas.iter().find_map(|replica| {
                let url = format!("http://{}/api/v1/predictions/batch", replica.address());
                let sent = ureq::post(&url).header("content-type", "application/json").send(&body);
                sent.ok()?.body_mut().read_to_string().ok()
            });
            let Some(answered) = answered else { continue };
            let answered: Value = serde_json::from_str(&answered)?;
            let items = answered["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let ids: Vec<String> =
                items.iter().filter_map(|item| Some(item["prediction"]["id"].as_str()?.to_owned())).collect();
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.0.extend(ids.iter().cloned());
            for id in ids.iter().take(DELETED) {
                let deleted = self.replicas.iter().any(|replica| {
                    let url = format!("http://{}/api/v1/predictions/{id}", replica.address());
                    ureq::delete(&url).call().is_ok()
                });
                if deleted {
                    written.1.insert(id.clone());
                }
            }
        }
        Ok(())
    }

    /// Reads the feed to the end of the benchmark; connects to the other replica when it ends.
    fn read(&self, reader: usize) -> Received {
        let mut received = Vec::new();
        let mut last = Some(0);
        let mut replica = reader % 2;
        while !self.is_over.load(Ordering::SeqCst) {
            // An error is the end of a connection.
            let _ = self.follow(replica, &mut last, &mut received);
            self.reconnections.fetch_add(1, Ordering::SeqCst);
            replica = 1 - replica;
            wait(RECONNECT);
        }
        received
    }

    fn follow(&self, replica: usize, last: &mut Option<i64>, received: &mut Received) -> anyhow::Result<()> {
        let mut lines = open(&self.replicas[replica].address(), *last)?;
        let (mut id, mut kind, mut event) = (None, String::new(), None);
        let mut line = String::new();
        loop {
            match lines.read_line(&mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // What has arrived of the line stays in it.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if self.is_over.load(Ordering::SeqCst) {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            if let Some(position) = line.strip_prefix("id: ") {
                id = position.trim().parse().ok();
            } else if let Some(name) = line.strip_prefix("event: ") {
                name.trim().clone_into(&mut kind);
            } else if let Some(data) = line.strip_prefix("data: ") {
                ensure!(kind != "gap", "a gap");
                let data: Value = serde_json::from_str(data)?;
                event = Some(data["subject"].as_str().unwrap_or_default().to_owned());
            } else if line == "\n" {
                *last = id.or(*last);
                if let (Some(subject), Some(position)) = (event.take(), id) {
                    received.push((position, kind.ends_with("deleted"), subject));
                }
            }
            line.clear();
        }
    }

    /// Counts over all readers what was missed, repeated, and out of order.
    fn compare(&self, received: &[Received]) -> (usize, usize, usize) {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut missed, mut repeated, mut disordered) = (0, 0, 0);
        for events in received {
            let mut seen: HashMap<(&str, bool), i64> = HashMap::new();
            for (position, is_deletion, id) in events {
                repeated += usize::from(seen.insert((id, *is_deletion), *position).is_some());
                disordered += usize::from(!is_deletion && seen.contains_key(&(id.as_str(), true)));
            }
            disordered += events.windows(2).filter(|pair| pair[0].0 >= pair[1].0).count();
            missed += written.0.iter().filter(|id| !seen.contains_key(&(id.as_str(), false))).count();
            missed += written.1.iter().filter(|id| !seen.contains_key(&(id.as_str(), true))).count();
        }
        (missed, repeated, disordered)
    }

    /// Returns how much one of a hundred readers that read nothing adds to the memory of the first replica, in KiB.
    fn stalled_memory(&self, args: &FeedArgs) -> anyhow::Result<i64> {
        const STALLED: i64 = 100;
        let before = self.resident()?;
        let open: anyhow::Result<Vec<_>> =
            (0..STALLED).map(|_| open(&self.replicas[0].address(), Some(0))).collect();
        let open = open?;
        let load = FeedArgs {
            seconds: STALL.as_secs(),
            store: args.store.clone(),
            program: args.program.clone(),
            ..*args
        };
        self.write(&load)?;
        let after = self.resident()?;
        drop(open);
        Ok((after - before) / STALLED)
    }

    /// The resident memory of the first replica in KiB.
    fn resident(&self) -> anyhow::Result<i64> {
        let child = self.replicas[0].child.lock().unwrap_or_else(PoisonError::into_inner);
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// Opens a feed after the position `last`.
fn open(address: &str, last: Option<i64>) -> anyhow::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
    // HTTP/1.0 has no chunks.
    write!(stream, "GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\n{last}\r\n")?;
    let mut lines = BufReader::new(stream);
    let mut status = String::new();
    lines.read_line(&mut status)?;
    if !status.contains(" 200 ") {
        bail!("the feed answers {status:?}");
    }
    Ok(lines)
}

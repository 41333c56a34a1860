//! `cargo xtask chaos analytics`: two replicas count predictions and deletions while the one that leads is killed again
//! and again and a rebuild runs; at the end the rollups must equal what the predictions give, to the unit.

mod comparison;
mod lag;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::lag::Lags;
use super::api::{Api, Reply};
use super::random::Random;
use super::replica::{Replica, Setup};
use super::stop_signal::{StopSignal, wait_until};
use crate::test_run::database;
use crate::test_run::local_cluster::Cluster;
use crate::test_run::ports::fixed_ports;
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct AnalyticsArgs {
    /// The program to test [default: the release binary, built first]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// An earlier release, which one of the replicas runs until a third of the predictions are made
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
    /// The store, of which two replicas share one database
    #[arg(long, value_enum, default_value = "postgres")]
    store: StoreKind,
    /// The predictions to make
    #[arg(long, default_value_t = 1_000_000)]
    predictions: usize,
    /// How many of them to delete
    #[arg(long, default_value_t = 10_000)]
    deletions: usize,
    /// How often the replica that leads is killed
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// The most predictions a second [default: as many as the replicas make]
    #[arg(long)]
    rate: Option<u32>,
    /// The model's folder [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    /// A temporary cluster
    Postgres,
}

/// The texts of a request.
const BATCH: usize = 200;
/// The clients.
const CLIENTS: u64 = 4;
/// How long a client waits for a response.
const TIMEOUT: Duration = Duration::from_mins(2);
/// How long the projector may take at the end.
const SETTLE: Duration = Duration::from_mins(10);
/// The settings of the replicas; an earlier release knows only the first.
const SETTINGS: [&str; 2] = ["log.filter=info", "analytics.dimensions=[\"channel\"]"];

/// Makes one run; the exit code is a failure if the rollups are not exact.
pub(super) fn run(workspace: &Workspace, args: &AnalyticsArgs) -> anyhow::Result<ExitCode> {
    let StoreKind::Postgres = args.store;
    let [database, first, second] = fixed_ports()?;
    let scene = Scene::prepare(workspace, args, database)?;
    let mut replicas = scene.start_both(args.older.as_deref(), [first, second])?;
    let load = Load::new(args, [first, second]);
    let lags = Lags::default();
    let signal = StopSignal::default();
    let started = Instant::now();
    let made = thread::scope(|threads| {
        let _stopped = signal.stop_on_drop();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                threads.spawn({
                    let load = &load;
                    move || load.make(number)
                })
            })
            .collect();
        let deleting = threads.spawn(|| load.delete(&signal));
        let measuring = threads.spawn(|| lags.measure(&scene.cluster, &signal));
        let disturbed = scene.disturb(args, &load, &lags, &mut replicas);
        if disturbed.is_err() {
            load.give_up();
        }
        for client in clients {
            client.join().map_err(|_| anyhow!("a client panicked"))?;
        }
        disturbed?;
        wait_until(TIMEOUT, || load.has_deleted_all());
        let settled = scene.wait_until_settled();
        signal.stop();
        deleting.join().map_err(|_| anyhow!("the client that deletes panicked"))?;
        measuring.join().map_err(|_| anyhow!("the measurement panicked"))??;
        settled
    });
    let elapsed = started.elapsed();
    made?;
    println!("{} predictions made and {} deleted in {elapsed:.0?}", load.made(), load.deleted());
    println!("{}", lags.summary());
    let differences = comparison::compare(&scene.cluster)?;
    println!("{differences}");
    ensure!(load.made() > 0, "no prediction was made, so nothing was tested");
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The database and the program.
struct Scene {
    program: PathBuf,
    model: PathBuf,
    url: String,
    cluster: Cluster,
}

impl Scene {
    /// Builds the program and starts the database at a port.
    fn prepare(workspace: &Workspace, args: &AnalyticsArgs, port: u16) -> anyhow::Result<Self> {
        let program = match &args.program {
            Some(program) => std::path::absolute(program)?,
            None => workspace.build_program(Build::Release)?,
        };
        let bundled = || workspace.root().join("models/sentiment-minilm-l6");
        let model = std::path::absolute(args.model.clone().unwrap_or_else(bundled))?;
        let cluster = Cluster::start(&database::programs()?, port)?;
        let url = format!("postgres://undertone@127.0.0.1:{}/postgres", cluster.port());
        Ok(Self { program, model, url, cluster })
    }

    /// Starts two replicas, the second of which runs the earlier release if there is one.
    fn start_both(&self, older: Option<&Path>, ports: [u16; 2]) -> anyhow::Result<[Started; 2]> {
        let [first, second] = ports;
        let newer = self.start("replica 1", first, &self.program, &SETTINGS)?;
        let other = match older {
            Some(older) => self.start("replica 2", second, &std::path::absolute(older)?, &SETTINGS[..1])?,
            None => self.start("replica 2", second, &self.program, &SETTINGS)?,
        };
        Ok([newer, other])
    }

    fn start(
        &self,
        name: &'static str,
        port: u16,
        program: &Path,
        settings: &[&str],
    ) -> anyhow::Result<Started> {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let setup = Setup { binary: program, model: &self.model, store: &self.url, settings: &settings };
        let at = now();
        let mut replica = Replica::start(name, port, &setup)?;
        replica.wait_until_ready()?;
        Ok(Started { replica, at })
    }

    /// Kills, upgrades and rebuilds, each when enough predictions have been made.
    fn disturb(
        &self,
        args: &AnalyticsArgs,
        load: &Load,
        lags: &Lags,
        replicas: &mut [Started; 2],
    ) -> anyhow::Result<()> {
        let mut kills = 0;
        let (mut is_upgraded, mut is_rebuilt) = (args.older.is_none(), false);
        while !load.has_made_all() {
            let made = load.made();
            if !is_upgraded && made >= args.predictions / 3 {
                is_upgraded = true;
                let port = replicas[1].replica.port();
                // The earlier one ends when it is replaced; its port may be taken again then.
                replicas[1].replica.end()?;
                replicas[1] = self.start("replica 2", port, &self.program, &SETTINGS)?;
                println!("{made:>8} predictions: replica 2 was upgraded");
            }
            if !is_rebuilt && made >= args.predictions / 2 {
                is_rebuilt = true;
                self.rebuild()?;
                println!("{made:>8} predictions: the rollups of all tenants are being counted again");
            }
            if kills < args.kills && made >= (kills + 1) * args.predictions / (args.kills + 1) {
                kills += 1;
                let leader = self.leader(replicas)?;
                let Started { replica, at } = &mut replicas[leader];
                *at = now();
                replica.kill()?;
                lags.disturbed();
                println!("{made:>8} predictions: {} led and was killed", replica.name());
            }
            for Started { replica, at } in &mut *replicas {
                if let Some(problem) = replica.restart_if_ended()? {
                    *at = now();
                    anyhow::bail!(problem);
                }
            }
            load.pause();
        }
        Ok(())
    }

    fn rebuild(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["analytics", "rebuild", "--all", "--store", &self.url]);
        command.args(["--set", SETTINGS[1]]);
        let output = command.output().context("cannot run the rebuild")?;
        ensure!(output.status.success(), "the rebuild failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// The replica that holds the lease, whose holder is a UUIDv7 made when its process started.
    fn leader(&self, replicas: &[Started; 2]) -> anyhow::Result<usize> {
        let holder = self.cluster.query("SELECT holder FROM leases WHERE name = 'outbox-relay'")?;
        let digits: String = holder.trim().chars().filter(|digit| *digit != '-').take(12).collect();
        let Ok(millis) = u64::from_str_radix(&digits, 16) else { return Ok(0) };
        let started = |replica: &Started| {
            replica.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
        };
        let before = replicas.iter().enumerate().filter(|(_, replica)| started(replica) <= millis);
        Ok(before.max_by_key(|(_, replica)| started(replica)).map_or(0, |(index, _)| index))
    }

    /// Waits until every event is counted and nothing is to be counted again.
    fn wait_until_settled(&self) -> anyhow::Result<()> {
        let state = "SELECT (SELECT count(*) FROM outbox WHERE position IS NULL), \
            (SELECT last_position - position FROM outbox_feed, sinks WHERE name = 'analytics'), \
            (SELECT count(*) FROM rollup_outdated)";
        let mut last = Ok(String::new());
        wait_until(SETTLE, || {
            last = self.cluster.query(state);
            last.as_ref().is_ok_and(|state| state.trim() == "0\t0\t0")
        });
        let state = last?;
        ensure!(
            state.trim() == "0\t0\t0",
            "not settled after {SETTLE:?}: unsequenced, behind, outdated: {}",
            state.trim()
        );
        Ok(())
    }
}

/// A replica and when its process was started.
struct Started {
    replica: Replica,
    at: SystemTime,
}

/// The time by the clock from which a replica makes the name under which it leads.
fn now() -> SystemTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is compared with the times in UUIDs of other processes"
    )]
    SystemTime::now()
}

/// The requests.
struct Load {
    predictions: usize,
    deletions: usize,
    rate: Option<u32>,
    ports: [u16; 2],
    started: Instant,
    /// The predictions that were asked for, and those that were acknowledged.
    asked: AtomicUsize,
    made: AtomicUsize,
    deleted: AtomicUsize,
    /// Ids to delete.
    waiting: Mutex<Vec<String>>,
    stopped: StopSignal,
}

impl Load {
    fn new(args: &AnalyticsArgs, ports: [u16; 2]) -> Self {
        let AnalyticsArgs { predictions, deletions, rate, .. } = *args;
        Self {
            predictions,
            deletions,
            rate,
            ports,
            started: Instant::now(),
            asked: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
            deleted: AtomicUsize::new(0),
            waiting: Mutex::default(),
            stopped: StopSignal::default(),
        }
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    fn deleted(&self) -> usize {
        self.deleted.load(Ordering::Relaxed)
    }

    fn has_made_all(&self) -> bool {
        self.made() >= self.predictions || self.stopped.is_stopped()
    }

    fn has_deleted_all(&self) -> bool {
        self.deleted() >= self.deletions.min(self.made())
    }

    fn give_up(&self) {
        self.stopped.stop();
    }

    fn pause(&self) {
        self.stopped.pause(Duration::from_millis(50));
    }

    /// Makes predictions, in turn at each replica, until there are enough.
    fn make(&self, number: u64) {
        let mut random = Random::of_stream(self.predictions as u64, number);
        let apis = self.ports.map(|port| Api::at(port, TIMEOUT));
        let mut turn = number as usize;
        while !self.has_made_all() {
            if let Some(rate) = self.rate {
                let due = f64::from(rate) * self.started.elapsed().as_secs_f64();
                if self.asked.load(Ordering::Relaxed) as f64 > due {
                    self.stopped.pause(Duration::from_millis(20));
                    continue;
                }
            }
            self.asked.fetch_add(BATCH, Ordering::Relaxed);
            let items: Vec<Value> = (0..BATCH).map(|_| item(&mut random)).collect();
            turn += 1;
            let Reply::Success(body) = apis[turn % 2].predict_batch(&json!({ "items": items })) else {
                self.stopped.pause(Duration::from_millis(200));
                continue;
            };
            self.acknowledge(&body);
        }
    }

    fn acknowledge(&self, body: &str) {
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = items.iter().filter_map(|item| item["prediction"]["id"].as_str()).collect();
        // Spread over the run.
        let before = self.made.fetch_add(ids.len(), Ordering::Relaxed);
        let due = |made: usize| made.min(self.predictions) * self.deletions / self.predictions.max(1);
        let count = due(before + ids.len()) - due(before);
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.extend(ids.iter().take(count).map(|&id| id.to_owned()));
    }

    /// Deletes what waits until the run is stopped. A deletion whose outcome is unknown is repeated.
    fn delete(&self, signal: &StopSignal) {
        let apis = self.ports.map(|port| Api::at(port, TIMEOUT));
        let mut turn = 0;
        while !signal.is_stopped() {
            let next = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
            let Some(id) = next else {
                signal.pause(Duration::from_millis(20));
                continue;
            };
            turn += 1;
            if let Reply::Success(_) | Reply::NotFound = apis[turn % 2].delete(&id) {
                self.deleted.fetch_add(1, Ordering::Relaxed);
            } else {
                self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(id);
                signal.pause(Duration::from_millis(100));
            }
        }
    }
}

/// A short text of one of some hundred values, a few of which are frequent.
fn item(random: &mut Random) -> Value {
    const WORDS: [&str; 10] =
        ["good", "bad", "the", "room", "was", "slow", "friendly", "never", "again", "wonderful"];
    let words: Vec<&str> = (0..=random.below(8)).map(|_| *random.choose(&WORDS.each_ref())).collect();
    let channel = random.below(260).min(random.below(260));
    if channel.is_multiple_of(13) {
        return json!({ "text": words.join(" ") });
    }
    json!({ "text": words.join(" "), "metadata": { "channel": format!("channel {channel}") } })
}

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::api::{Api, Reply};
use super::balancer::{self, Balancer};
use super::replica::{Replica, Setup};
use super::silent_proxy::SilentProxy;
use super::stop_signal::wait_until;
use crate::test_run::database;
use crate::test_run::local_cluster::Cluster;
use crate::test_run::ports::fixed_ports;

/// Two replicas behind a balancer, and the store that they share. Everything stops with this value.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) replicas: [Replica; 2],
    pub(super) balancer: Balancer,
    pub(super) store: Store,
}

/// A temporary cluster, and the proxy through which the replicas reach it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) proxy: SilentProxy,
    pub(super) cluster: Cluster,
}

/// The program, model and settings of the replicas.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) program: PathBuf,
    pub(super) model: PathBuf,
    pub(super) settings: Vec<String>,
}

/// How long the service may take to recover after the last fault, on a busy machine.
const RECOVERY: Duration = Duration::from_mins(1);
/// The ref of the texts that are sent to check the recovery.
pub(super) const RECOVERY_REF: &str = "recovery";
/// How long a check of a replica may take.
const CHECK: Duration = Duration::from_secs(20);

impl Deployment {
    /// Starts everything and waits until it is ready.
    pub(super) fn start(binaries: &Binaries) -> anyhow::Result<Self> {
        let haproxy = balancer::program()?;
        let postgres = database::programs()?;
        let [database, first, second, front] = fixed_ports()?;
        let cluster = Cluster::start(&postgres, database)?;
        let proxy = SilentProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, cluster.port())))?;
        let url = format!("postgres://undertone@{}/postgres", proxy.address());
        let store = Store { proxy, cluster };
        let setup = Setup {
            binary: &binaries.program,
            model: &binaries.model,
            store: &url,
            settings: &binaries.settings,
        };
        let mut replicas =
            [Replica::start("replica 1", first, &setup)?, Replica::start("replica 2", second, &setup)?];
        for replica in &mut replicas {
            replica.wait_until_ready()?;
        }
        let balancer = Balancer::start(haproxy, front, [first, second])?;
        Ok(Self { replicas, balancer, store })
    }

    /// Waits until each replica is ready and predicts a text; returns the problems of those that do not.
    pub(super) fn recover(&mut self) -> anyhow::Result<Vec<String>> {
        let mut problems = Vec::new();
        for replica in &mut self.replicas {
            let mut ended = replica.restart_if_ended()?;
            let api = Api::at(replica.port(), CHECK);
            let item =
                json!({ "text": format!("Does {} serve again?", replica.name()), "ref": RECOVERY_REF });
            let serves = wait_until(RECOVERY, || {
                ended = ended.take().or_else(|| replica.restart_if_ended().ok().flatten());
                api.is_ready() && matches!(api.predict(&item), Reply::Success(_))
            });
            problems.extend(ended);
            if !serves {
                problems.push(format!("{} does not serve {RECOVERY:?} after the last fault", replica.name()));
            }
        }
        self.balancer.ensure_running()?;
        Ok(problems)
    }

    /// Reads the logs of both replicas.
    pub(super) fn replica_logs(&self) -> anyhow::Result<Vec<String>> {
        let read = |replica: &Replica| Ok(String::from_utf8_lossy(&fs::read(replica.log())?).into_owned());
        self.replicas.iter().map(read).collect()
    }

    /// Copies every log into `folder`.
    pub(super) fn save_logs(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let replicas = self.replicas.iter().map(|replica| (replica.name(), replica.log()));
        let others = [("haproxy", self.balancer.log()), ("postgres", self.store.cluster.log())];
        for (name, log) in replicas.chain(others) {
            fs::copy(log, folder.join(format!("{}.log", name.replace(' ', "-"))))?;
        }
        Ok(())
    }
}

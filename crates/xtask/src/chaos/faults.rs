use std::time::{Duration, Instant};

use super::deployment::Store;
use super::random::Random;
use super::replica::Replica;
use super::stop_signal::StopSignal;

/// How long a replica is suspended.
const SUSPENDED: Duration = Duration::from_secs(8);
/// How long PostgreSQL is down.
const DOWN: Duration = Duration::from_secs(6);
/// The interval between two faults: long enough for a replica to serve in between, with requests in flight.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(6));

/// A fault of a replica, with the replica's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplicaFault {
    Kill(usize),
    Suspend(usize),
    Terminate(usize),
}

/// A fault of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreFault {
    RestartImmediately,
    Down,
    GoSilent,
}

/// The faults that an injector injected.
#[derive(Debug, Default)]
pub(super) struct Injected {
    /// The kinds of fault, in order.
    pub(super) kinds: Vec<&'static str>,
    /// Descriptions of what replicas did wrong meanwhile.
    pub(super) problems: Vec<String>,
}

impl ReplicaFault {
    pub(super) const KINDS: [&'static str; 3] = ["kill -9", "SIGSTOP of 8 s", "SIGTERM"];

    fn kind(self) -> &'static str {
        match self {
            Self::Kill(_) => Self::KINDS[0],
            Self::Suspend(_) => Self::KINDS[1],
            Self::Terminate(_) => Self::KINDS[2],
        }
    }

    fn replica(self) -> usize {
        match self {
            Self::Kill(replica) | Self::Suspend(replica) | Self::Terminate(replica) => replica,
        }
    }

    /// Returns each kind once, and SIGTERM for each replica, in random order.
    fn round(random: &mut Random) -> Vec<Self> {
        let (killed, suspended) = (random.below(2), random.below(2));
        let mut round =
            vec![Self::Kill(killed), Self::Suspend(suspended), Self::Terminate(0), Self::Terminate(1)];
        random.shuffle(&mut round);
        round
    }
}

impl StoreFault {
    pub(super) const KINDS: [&'static str; 3] =
        ["PostgreSQL restarted, immediate", "PostgreSQL down for 6 s", "database host silent"];

    fn kind(self) -> &'static str {
        match self {
            Self::RestartImmediately => Self::KINDS[0],
            Self::Down => Self::KINDS[1],
            Self::GoSilent => Self::KINDS[2],
        }
    }

    /// Returns each kind once, in random order.
    fn round(random: &mut Random) -> Vec<Self> {
        let mut round = vec![Self::RestartImmediately, Self::Down, Self::GoSilent];
        random.shuffle(&mut round);
        round
    }
}

/// Injects faults at intervals, until the time is over and each kind was injected at least once.
#[derive(Debug)]
pub(super) struct Injector<'a> {
    pub(super) random: Random,
    pub(super) started: Instant,
    pub(super) length: Duration,
    pub(super) signal: &'a StopSignal,
}

impl Injector<'_> {
    /// Injects faults into the replicas.
    pub(super) fn inject_into_replicas(mut self, replicas: &mut [Replica; 2]) -> anyhow::Result<Injected> {
        let mut injected = Injected::default();
        self.rounds(ReplicaFault::round, |fault, injector| {
            let replica = &mut replicas[fault.replica()];
            if let Some(problem) = replica.restart_if_ended()? {
                injected.problems.push(problem);
                return Ok(());
            }
            injector.print(&format!("{} of {}", fault.kind(), replica.name()));
            injected.kinds.push(fault.kind());
            match fault {
                ReplicaFault::Kill(_) => replica.kill()?,
                ReplicaFault::Suspend(_) => {
                    replica.suspend()?;
                    injector.signal.pause(SUSPENDED);
                    replica.resume()?;
                }
                ReplicaFault::Terminate(_) => injected.problems.extend(replica.terminate()?),
            }
            Ok(())
        })?;
        Ok(injected)
    }

    /// Injects faults into the store.
    pub(super) fn inject_into_store(mut self, store: &mut Store) -> anyhow::Result<Injected> {
        let mut injected = Injected::default();
        self.rounds(StoreFault::round, |fault, injector| {
            injector.print(fault.kind());
            injected.kinds.push(fault.kind());
            match fault {
                StoreFault::RestartImmediately => store.cluster.restart("QUIT", Duration::ZERO),
                StoreFault::Down => store.cluster.restart("INT", DOWN),
                StoreFault::GoSilent => {
                    store.proxy.go_silent();
                    Ok(())
                }
            }
        })?;
        Ok(injected)
    }

    fn rounds<Fault>(
        &mut self,
        round: impl Fn(&mut Random) -> Vec<Fault>,
        mut inject: impl FnMut(Fault, &Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut is_first = true;
        loop {
            for fault in round(&mut self.random) {
                let interval = self.random.between(INTERVAL.0, INTERVAL.1);
                self.signal.pause(interval);
                if self.signal.is_stopped() || (self.started.elapsed() >= self.length && !is_first) {
                    return Ok(());
                }
                inject(fault, self)?;
            }
            is_first = false;
        }
    }

    fn print(&self, what: &str) {
        println!("{:7.1} s  {what}", self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn orders(seed: u64) -> (Vec<ReplicaFault>, Vec<StoreFault>) {
        let mut random = [Random::of_stream(seed, 0), Random::of_stream(seed, 1)];
        let replicas = (0..3).flat_map(|_| ReplicaFault::round(&mut random[0])).collect();
        (replicas, (0..3).flat_map(|_| StoreFault::round(&mut random[1])).collect())
    }

    #[test]
    fn a_seed_always_gives_the_same_order() {
        assert_eq!(orders(1), orders(1));
        assert_ne!(orders(1), orders(2));
    }

    #[test]
    fn every_kind_is_injected_even_if_the_time_is_over_at_once() {
        let signal = StopSignal::default();
        let injector = |length| Injector {
            random: Random::of_stream(3, 0),
            started: Instant::now(),
            length,
            signal: &signal,
        };
        let mut injected = Vec::new();
        let record = |fault, _: &Injector<'_>| {
            injected.push(fault);
            Ok(())
        };
        injector(Duration::ZERO).rounds(|_| vec![1, 2], record).unwrap();
        assert_eq!(injected, [1, 2]);
        signal.stop();
        let mut none = true;
        injector(Duration::MAX)
            .rounds(
                |_| vec![1],
                |_, _| {
                    none = false;
                    Ok(())
                },
            )
            .unwrap();
        assert!(none);
    }
}

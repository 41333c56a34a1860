use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

use super::database::{Database, USER, url};
use super::supervised::{Plan, Supervised};
use crate::workspace::on_path;

/// How long the server may take to start or to end.
const START: Duration = Duration::from_mins(1);

/// The installed programs of PostgreSQL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    bin: PathBuf,
}

/// Where distributions install them: a folder, the prefix of its versions' folders, and the programs' folder in each.
const INSTALLED: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

impl Programs {
    /// Finds those on the search path, else the newest in the folders of distributions.
    pub(crate) fn find() -> Option<Self> {
        let of_path = on_path("initdb").and_then(|initdb| initdb.parent().and_then(Self::inside));
        of_path.or_else(|| INSTALLED.iter().find_map(newest))
    }

    fn inside(bin: &Path) -> Option<Self> {
        let complete = ["initdb", "pg_isready", "postgres"].iter().all(|program| bin.join(program).is_file());
        complete.then(|| Self { bin: bin.to_owned() })
    }
}

fn newest((folder, prefix, rest): &(&str, &str, &str)) -> Option<Programs> {
    let versions = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| {
        let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse::<u32>().ok()?;
        Some((version, Programs::inside(&entry.path().join(rest))?))
    });
    versions.max_by_key(|(version, _)| *version).map(|(_, programs)| programs)
}

/// A temporary cluster on a port of the loopback interface. It is removed with this value, or with this process.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Supervised,
    bin: PathBuf,
    port: u16,
}

impl Cluster {
    /// Creates the cluster and starts its server.
    pub(crate) fn start(programs: &Programs, port: u16) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
        let user = unprivileged_user(&folder)?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        initialize(programs, folder.path(), user)?;
        let command = server(&programs.bin, folder.path(), port);
        // SIGINT is PostgreSQL's fast shutdown, which closes all sessions at once. The SIGTERM after it does not change
        // that; it ends the shell of a restart that is still waiting.
        let stop = r#"kill -INT "$server"; kill -TERM "$server""#.to_owned();
        let mut server = Supervised::start_as(Plan { command, folder, stop }, user)?;
        server.wait_until_ready(ready(&programs.bin, port), START)?;
        Ok(Self { server, bin: programs.bin.clone(), port })
    }

    /// Returns the server alone, which can no longer be restarted.
    pub(super) fn into_database(self) -> Database {
        Database::started(self.server, self.port)
    }

    /// Returns the port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server by a signal to its first process and starts it again after `down`, as `pg_ctl restart`
    /// does: `INT` is its mode `fast`, `QUIT` its mode `immediate`, after which the server recovers from its log.
    /// Returns when it accepts connections again.
    pub(crate) fn restart(&mut self, signal: &str, down: Duration) -> anyhow::Result<()> {
        self.server.signal(signal)?;
        wait_until_ended(&mut self.server)?;
        let start = server(&self.bin, self.server.folder(), self.port);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"sleep "$0"; exec "$@""#, &down.as_secs().to_string()]);
        command.arg(start.get_program()).args(start.get_args());
        self.server.start_again(&command, "")?;
        self.server.wait_until_ready(ready(&self.bin, self.port), START + down)
    }

    /// Runs a statement on the server itself, bypassing any proxy; returns a line per row with tabs between columns.
    pub(crate) fn query(&self, statement: &str) -> anyhow::Result<String> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--field-separator", "\t", "--command"]);
        psql.arg(statement).arg(url(self.port)).stdin(Stdio::null());
        let output = psql.output().context("cannot run psql")?;
        ensure!(output.status.success(), "psql failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Returns the server's log file.
    pub(crate) fn log(&self) -> PathBuf {
        self.server.log()
    }
}

fn wait_until_ended(server: &mut Supervised) -> anyhow::Result<()> {
    let started = Instant::now();
    while !server.has_ended() {
        ensure!(
            started.elapsed() < START,
            "PostgreSQL does not stop; its log ends with:\n{}",
            server.log_tail()
        );
        #[expect(clippy::disallowed_methods, reason = "no event says that another program has ended")]
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn initialize(programs: &Programs, folder: &Path, user: Option<(u32, u32)>) -> anyhow::Result<()> {
    let mut initdb = Command::new(programs.bin.join("initdb"));
    initdb.arg("--pgdata").arg(folder.join("data")).args(["--username", USER]);
    initdb.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"]);
    initdb.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        initdb.uid(uid).gid(gid);
    }
    let output = initdb.output().context("cannot run initdb")?;
    if !output.status.success() {
        bail!("initdb failed: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    // Every user of this machine may connect, over the loopback interface only.
    fs::write(folder.join("data/pg_hba.conf"), "host all all 127.0.0.1/32 trust\n")?;
    Ok(())
}

/// The command of a server in the foreground, as durable as in production: the program refuses `fsync=off`.
fn server(bin: &Path, folder: &Path, port: u16) -> Command {
    let mut server = Command::new(bin.join("postgres"));
    server.arg("-D").arg(folder.join("data"));
    let sockets = format!("unix_socket_directories={}", folder.display());
    for setting in [
        "listen_addresses=127.0.0.1",
        &format!("port={port}"),
        &sockets,
        "max_connections=400",
        "shared_buffers=64MB",
        "fsync=on",
    ] {
        server.args(["-c", setting]);
    }
    server
}

/// The command that succeeds once the server on `port` accepts connections.
fn ready(bin: &Path, port: u16) -> Command {
    let mut ready = Command::new(bin.join("pg_isready"));
    ready.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    ready
}

/// Returns the user and group to run the server as, if this process is root: PostgreSQL does not run as root.
fn unprivileged_user(own: &TempDir) -> anyhow::Result<Option<(u32, u32)>> {
    if fs::metadata(own.path())?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let user = ["postgres", "nobody"].iter().find_map(|name| ids_of(name, &users));
    Ok(Some(user.context("PostgreSQL does not run as root: create a user postgres or nobody")?))
}

/// Returns the user and group ids of a name in the lines of a password file.
fn ids_of(name: &str, users: &str) -> Option<(u32, u32)> {
    let of_name = |line: &&str| line.split(':').next() == Some(name);
    let mut fields = users.lines().find(of_name)?.split(':').skip(2);
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((uid, gid))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_newest_complete_installation_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let complete = ["initdb", "pg_isready", "postgres"];
        for (version, programs) in [("pg-9", &complete[..]), ("pg-15", &complete), ("pg-16", &["psql"])] {
            let bin = root.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
        }
        let found = newest(&(root.path().to_str().unwrap(), "pg-", "bin"));
        assert_eq!(found, Some(Programs { bin: root.path().join("pg-15/bin") }));
        assert_eq!(newest(&("/nonexistent", "", "bin")), None);
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:a,b:/var:/bin/sh\n";
        assert_eq!(ids_of("postgres", users), Some((101, 104)));
        assert_eq!(ids_of("nobody", users), None);
    }

    #[test]
    fn the_server_is_durable_and_listens_on_the_loopback_only() {
        let server = server(Path::new("/opt/pg/bin"), Path::new("/tmp/x"), 5433);
        let args: Vec<_> = server.get_args().map(|arg| arg.to_string_lossy()).collect();
        for setting in ["listen_addresses=127.0.0.1", "port=5433", "fsync=on", "max_connections=400"] {
            assert!(args.iter().any(|arg| arg == setting), "{setting}");
        }
    }
}

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::database::Database;
use super::login;
use super::supervised::{Plan, Supervised};
use crate::workspace::on_path;

/// The server's programs as they are installed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Programs {
    bin: PathBuf,
}

/// Where distributions put them: a folder whose children are versions, and what leads from there to the programs.
const INSTALLED: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

impl Programs {
    /// Those of the search path; else the newest that is installed in a usual place.
    pub(super) fn find() -> Option<Self> {
        let of_path = on_path("initdb").and_then(|initdb| initdb.parent().and_then(Self::inside));
        of_path.or_else(|| INSTALLED.iter().find_map(newest))
    }

    fn inside(bin: &Path) -> Option<Self> {
        let complete = ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file());
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

/// Starts a throw-away cluster on a free port of the loopback.
pub(super) fn start(programs: &Programs) -> anyhow::Result<Database> {
    let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
    let user = unprivileged_user(&folder)?;
    if let Some((uid, gid)) = user {
        chown(folder.path(), Some(uid), Some(gid))?;
    }
    initialise(programs, folder.path(), user)?;
    let port = login::free_port()?;
    let command = server(programs, folder.path(), port);
    // An interrupt is PostgreSQL's fast shutdown: sessions are ended, nothing is waited for.
    let plan = Plan { command, folder, stop: "kill -INT \"$server\"".to_owned() };
    let mut server = Supervised::start_as(plan, user)?;
    login::wait_until_open(port, &mut server, login::SHORT)?;
    Ok(Database::started(server, port))
}

fn initialise(programs: &Programs, folder: &Path, user: Option<(u32, u32)>) -> anyhow::Result<()> {
    let mut initdb = Command::new(programs.bin.join("initdb"));
    initdb.arg("--pgdata").arg(folder.join("data")).args(["--username", login::USER]);
    initdb.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"]);
    initdb.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        initdb.uid(uid).gid(gid);
    }
    let output = initdb.output().context("initdb cannot be run")?;
    if !output.status.success() {
        bail!("initdb gave {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    // Everyone on this machine may come in, over the loopback alone.
    fs::write(folder.join("data/pg_hba.conf"), "host all all 127.0.0.1/32 trust\n")?;
    Ok(())
}

/// The server in the foreground. It writes as durably as in production: the program refuses `fsync=off`.
fn server(programs: &Programs, folder: &Path, port: u16) -> Command {
    let mut server = Command::new(programs.bin.join("postgres"));
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

/// Whom to run the server as: `PostgreSQL` does not run as root.
fn unprivileged_user(ours: &TempDir) -> anyhow::Result<Option<(u32, u32)>> {
    if fs::metadata(ours.path())?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("/etc/passwd cannot be read")?;
    let user = ["postgres", "nobody"].iter().find_map(|name| ids_of(name, &users));
    Ok(Some(user.context("there is neither a user postgres nor nobody to run PostgreSQL as")?))
}

/// The user and group of a name in the lines of a password file.
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
        for (version, programs) in
            [("pg-9", &["initdb", "postgres"][..]), ("pg-15", &["initdb", "postgres"]), ("pg-16", &["psql"])]
        {
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
    fn the_server_is_durable_and_listens_on_the_loopback_alone() {
        let programs = Programs { bin: PathBuf::from("/opt/pg/bin") };
        let server = server(&programs, Path::new("/tmp/x"), 5433);
        let args: Vec<_> = server.get_args().map(|arg| arg.to_string_lossy()).collect();
        for setting in ["listen_addresses=127.0.0.1", "port=5433", "fsync=on", "max_connections=400"] {
            assert!(args.iter().any(|arg| arg == setting), "{setting}");
        }
    }
}

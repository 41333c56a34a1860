use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// A server that does not outlive this process, however this process ends.
///
/// A shell in its own process group starts the server and reads from a pipe that only this process has open for
/// writing. When the pipe closes (the value is dropped, Ctrl-C, even SIGKILL), the shell stops the server and removes
/// its folder.
#[derive(Debug)]
pub(crate) struct Supervised {
    shell: Child,
    pipe: Option<ChildStdin>,
    folder: TempDir,
    stop: String,
    user: Option<(u32, u32)>,
}

/// How to start and stop a server.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The server's command, which must run in the foreground.
    pub(crate) command: Command,
    /// The server's folder, removed when it stops; the file `log` in it has the server's output.
    pub(crate) folder: TempDir,
    /// The shell command that stops the server; `$server` is its process id.
    pub(crate) stop: String,
}

/// `$0` is the folder, `$1` the command that stops the server, the rest the command that starts it.
const SCRIPT: &str = r#"
folder=$0 stop=$1
shift
exec 3<&0
"$@" >>"$folder/log" 2>&1 </dev/null 3<&- &
server=$!
echo "$server" >"$folder/server"
{ read -r _line <&3; : >"$folder/stopped"; eval "$stop"; } &
reader=$!
wait "$server"
code=$?
kill "$reader" 2>/dev/null
if [ -e "$folder/stopped" ]; then
  # A child of the server may write its last file while the folder is removed.
  rm -rf -- "$folder" 2>/dev/null || { sleep 1; rm -rf -- "$folder"; }
fi
exit "$code"
"#;

impl Supervised {
    /// Starts the plan's server as the user of this process.
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        Self::start_as(plan, None)
    }

    /// Starts the plan's server as another user and group, which must own the folder.
    pub(super) fn start_as(plan: Plan, user: Option<(u32, u32)>) -> anyhow::Result<Self> {
        let Plan { command, folder, stop } = plan;
        let (shell, pipe) = launch(&command, folder.path(), &stop, user)?;
        Ok(Self { shell, pipe, folder, stop, user })
    }

    /// Starts a server again that has ended: in the same folder, as the same user. Its output is appended to the log
    /// after `line`.
    pub(crate) fn start_again(&mut self, command: &Command, line: &str) -> anyhow::Result<()> {
        ensure!(self.has_ended(), "the server has not ended");
        // The new shell writes the new process's id.
        fs::remove_file(self.folder().join("server"))?;
        let mut log = File::options().append(true).open(self.log())?;
        // The process may have been killed in the middle of a line.
        writeln!(log, "\n{line}")?;
        (self.shell, self.pipe) = launch(command, self.folder.path(), &self.stop, self.user)?;
        Ok(())
    }

    /// Returns the server's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the server's process id; `None` until it has started.
    pub(crate) fn process(&self) -> Option<u32> {
        fs::read_to_string(self.folder().join("server")).ok()?.trim().parse().ok()
    }

    /// Whether the server has ended, by itself or by a signal.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.exit_status().is_some()
    }

    /// Returns how the server ended, if it has: its exit code, or 128 plus the number of the signal that killed it.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// Runs `ready` until it succeeds: a command that asks the server whether it accepts connections.
    ///
    /// # Errors
    /// When the server ends by itself or is not ready after `limit`; the message has the end of its log.
    pub(super) fn wait_until_ready(&mut self, mut ready: Command, limit: Duration) -> anyhow::Result<()> {
        ready.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let program = ready.get_program().to_string_lossy().into_owned();
        self.wait_until(limit, || {
            Ok(ready.status().with_context(|| format!("cannot run {program}"))?.success())
        })
    }

    /// Calls `is_ready` until it returns true.
    ///
    /// # Errors
    /// Those of [`Self::wait_until_ready`], and those of `is_ready`.
    pub(super) fn wait_until(
        &mut self,
        limit: Duration,
        mut is_ready: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        while !is_ready()? {
            ensure!(!self.has_ended(), "the server did not start; its log ends with:\n{}", self.log_tail());
            let in_time = started.elapsed() < limit;
            ensure!(
                in_time,
                "the server is not ready after {limit:?}; its log ends with:\n{}",
                self.log_tail()
            );
            #[expect(clippy::disallowed_methods, reason = "no event says that another program is ready")]
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Returns the file with the server's output.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Sends the server a signal by its name without `SIG`, such as `KILL`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let process = self.process().context("the server has no process")?.to_string();
        // The shell's builtin: not every machine has the program `kill`.
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", r#"kill -s "$0" "$1""#, name, &process]).stderr(Stdio::null());
        let status = kill.status()?;
        ensure!(status.success(), "cannot send SIG{name} to process {process}");
        Ok(())
    }

    /// Returns the last lines of the server's log.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

/// Starts the supervising shell, and with it the server.
fn launch(
    command: &Command,
    folder: &Path,
    stop: &str,
    user: Option<(u32, u32)>,
) -> anyhow::Result<(Child, Option<ChildStdin>)> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(SCRIPT).arg(folder).arg(stop);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(folder).process_group(0).stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((uid, gid)) = user {
        // The standard library drops root's supplementary groups when it changes the user.
        shell.uid(uid).gid(gid);
    }
    let program = command.get_program().to_string_lossy();
    let mut shell = shell.spawn().with_context(|| format!("cannot start {program}"))?;
    let pipe = shell.stdin.take();
    Ok((shell, pipe))
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // The shell ends after the server, whatever its exit code.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn plan(script: &str) -> Plan {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Plan { command, folder: tempfile::tempdir().unwrap(), stop: "kill \"$server\"".to_owned() }
    }

    /// Waits until the server has written the file.
    fn wait_for(file: &Path) -> String {
        loop {
            match fs::read_to_string(file) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn dropping_the_value_stops_the_server_and_removes_its_folder() {
        let mut server = Supervised::start(plan("echo $$ >id; while :; do sleep 1; done")).unwrap();
        let folder = server.folder().to_owned();
        let id = wait_for(&folder.join("id"));
        assert_eq!(wait_for(&folder.join("server")), id);
        assert_eq!(server.process(), id.trim().parse().ok());
        assert!(!server.has_ended());
        drop(server);
        assert!(!folder.exists());
        let alive = Command::new("kill").args(["-0", id.trim()]).stderr(Stdio::null()).status().unwrap();
        assert!(!alive.success());
    }

    #[test]
    fn a_server_that_ends_by_itself_is_noticed_and_leaves_its_log() {
        let mut server = Supervised::start(plan("echo no such option; exit 1")).unwrap();
        server.shell.wait().unwrap();
        assert!(server.has_ended());
        assert_eq!(server.log_tail(), "no such option");
    }

    #[test]
    fn waiting_ends_when_the_server_is_ready_has_ended_or_is_late() {
        let shell = |script: &str| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]);
            shell
        };
        let mut server = Supervised::start(plan("sleep 0.2; echo up >id; sleep 600")).unwrap();
        let id = server.folder().join("id");
        server
            .wait_until_ready(shell(&format!("test -e '{}'", id.display())), Duration::from_mins(1))
            .unwrap();
        assert!(id.exists());
        let late = server.wait_until_ready(shell("exit 1"), Duration::ZERO).unwrap_err().to_string();
        assert!(late.contains("is not ready after 0ns"), "{late}");
        let mut server = Supervised::start(plan("echo no such option; exit 1")).unwrap();
        let ended = server.wait_until_ready(shell("exit 1"), Duration::from_mins(1)).unwrap_err().to_string();
        assert!(ended.contains("did not start") && ended.contains("no such option"), "{ended}");
    }

    #[test]
    fn a_killed_server_starts_again_in_its_folder_and_stops_with_the_value() {
        let script = "echo here; echo $$ >id; while :; do sleep 1; done";
        let mut server = Supervised::start(plan(script)).unwrap();
        let folder = server.folder().to_owned();
        let first = wait_for(&folder.join("id"));
        assert_eq!(wait_for(&folder.join("server")), first);
        assert!(server.start_again(&plan(script).command, "early").is_err());
        server.signal("KILL").unwrap();
        assert_eq!(server.shell.wait().unwrap().code(), Some(128 + 9));
        fs::remove_file(folder.join("id")).unwrap();
        server.start_again(&plan(script).command, "again").unwrap();
        let second = wait_for(&folder.join("id"));
        assert_ne!(first, second);
        assert_eq!(server.log_tail(), "here\n\nagain\nhere");
        drop(server);
        assert!(!folder.exists());
    }
}

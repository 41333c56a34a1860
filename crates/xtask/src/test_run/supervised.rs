use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context;
use tempfile::TempDir;

/// A server that does not outlive this process, however this process ends.
///
/// A shell of its own process group stands between the two: it starts the server and reads from a pipe that
/// only this process holds open. When the pipe closes (the value is dropped, Ctrl-C, even SIGKILL), the shell
/// stops the server and removes its folder.
#[derive(Debug)]
pub(crate) struct Supervised {
    shell: Child,
    lifeline: Option<ChildStdin>,
    folder: TempDir,
}

/// What is to be started.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The server, which stays in the foreground.
    pub(crate) command: Command,
    /// A folder that goes when the server goes; the server's output is in its file `log`.
    pub(crate) folder: TempDir,
    /// The shell's command to stop it; `$server` is its process id.
    pub(crate) stop: String,
}

/// `$0` is the folder, `$1` the command that stops, the rest the server.
const SCRIPT: &str = r#"
folder=$0 stop=$1
shift
exec 3<&0
"$@" >"$folder/log" 2>&1 </dev/null 3<&- &
server=$!
echo "$server" >"$folder/server"
{ read -r _line <&3; : >"$folder/stopped"; eval "$stop"; } &
reader=$!
wait "$server"
code=$?
kill "$reader" 2>/dev/null
if [ -e "$folder/stopped" ]; then rm -rf -- "$folder"; fi
exit "$code"
"#;

impl Supervised {
    /// Starts the plan's server, as the user that the plan's command asks for.
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        Self::start_as(plan, None)
    }

    /// Starts the plan's server as another user and group, who must own the folder.
    pub(super) fn start_as(plan: Plan, user: Option<(u32, u32)>) -> anyhow::Result<Self> {
        let Plan { command, folder, stop } = plan;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(SCRIPT).arg(folder.path()).arg(stop);
        shell.arg(command.get_program()).args(command.get_args());
        shell.current_dir(folder.path()).process_group(0).stdin(Stdio::piped());
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = user {
            // The standard library clears the other groups of root when it changes the user.
            shell.uid(uid).gid(gid);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let mut shell = shell.spawn().with_context(|| format!("{program} cannot be started"))?;
        let lifeline = shell.stdin.take();
        Ok(Self { shell, lifeline, folder })
    }

    /// The server's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process; none before it was started.
    pub(crate) fn process(&self) -> Option<u32> {
        fs::read_to_string(self.folder().join("server")).ok()?.trim().parse().ok()
    }

    /// Whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(Some(_)))
    }

    /// The end of what the server said.
    pub(crate) fn said(&self) -> String {
        let log = fs::read(self.folder().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Whatever the shell answers, the server is gone once it has ended.
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

    /// Waits for the server to have written the file: it runs then.
    fn wait_for(file: &Path) -> String {
        loop {
            match fs::read_to_string(file) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_server_and_its_folder_go_when_the_value_is_dropped() {
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
    fn a_server_that_ends_by_itself_is_noticed_and_what_it_said_is_kept() {
        let mut server = Supervised::start(plan("echo no such option; exit 1")).unwrap();
        server.shell.wait().unwrap();
        assert!(server.has_ended());
        assert_eq!(server.said(), "no such option");
    }
}

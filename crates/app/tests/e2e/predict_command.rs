//! `undertone predict`: its output for people and for programs, and how it ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::command_line::undertone;

/// Starts `undertone predict` with piped streams.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.current_dir(folder).arg("predict").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("starts")
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// Runs `undertone predict` on a terminal of so many columns, and returns what that shows.
fn on_terminal(folder: &Path, columns: u16, environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let (mut terminal, processes) = pty_process::blocking::open().expect("a terminal");
    terminal.resize(pty_process::Size::new(40, columns)).expect("its size");
    let mut command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_undertone"))
        .current_dir(folder)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        .args(["predict", "--precision", "f32"])
        .args(arguments);
    for (name, value) in environment {
        command = command.env(name, value);
    }
    let mut child = command.spawn(processes).expect("starts");
    let mut shown = Vec::new();
    // Linux reports an error when the last process has closed the terminal.
    if let Err(error) = terminal.read_to_end(&mut shown) {
        assert_ne!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    }
    assert!(child.wait().expect("waits").success());
    String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
}

/// Sets colors and the title, clears the screen, and reverses the direction.
const HOSTILE: &str = "I love it \u{1b}[31m\u{1b}]0;title\u{7}\u{1b}[2J \u{9b}1m \u{202e}really\n\nreally";

#[test]
fn a_terminal_shows_a_line_a_text_and_two_where_it_is_narrow() {
    let folder = TempDir::new().unwrap();
    let texts =
        ["I love it", "The shop opens at nine.", "I hate it, and 日本語 and 👨‍👩‍👧‍👦 and every other text of mine"];
    let plain = [("NO_COLOR", "1")];
    insta::assert_snapshot!("terminal_of_120_columns", on_terminal(folder.path(), 120, &plain, &texts));
    insta::assert_snapshot!("terminal_of_40_columns", on_terminal(folder.path(), 40, &plain, &texts));
    let sentences = ["--granularity", "sentence", "--color", "always", "I love it. I hate it."];
    let shown = on_terminal(folder.path(), 80, &plain, &sentences).replace('\u{1b}', "ESC");
    insta::assert_snapshot!("terminal_with_color_and_sentences", shown);
}

#[test]
fn no_escape_sequence_of_a_text_reaches_a_terminal_in_any_format() {
    let folder = TempDir::new().unwrap();
    let lines = serde_json::json!({ "text": "I love it", "metadata": { "a": HOSTILE } });
    fs::write(folder.path().join("in.jsonl"), lines.to_string()).unwrap();
    fs::write(folder.path().join("in.csv"), format!("text\n\"{HOSTILE}\"\n")).unwrap();
    for arguments in [
        &["--color", "never", HOSTILE][..],
        &["--color", "never", "--granularity", "sentence", HOSTILE],
        &["--color", "never", "--format", "jsonl", "--file", "in.jsonl"],
        &["--color", "never", "--format", "csv", "--file", "in.csv"],
    ] {
        let shown = on_terminal(folder.path(), 120, &[], arguments);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(acts), "{arguments:?}: {shown:?}");
    }
    let colored = on_terminal(folder.path(), 120, &[], &["I love it"]);
    assert!(colored.contains("\u{1b}[36m+ positive"), "{colored:?}");
    for environment in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let shown = on_terminal(folder.path(), 120, &[environment], &["I love it"]);
        assert!(!shown.contains('\u{1b}'), "{environment:?}: {shown:?}");
    }
}

#[test]
fn programs_get_the_bytes_of_the_api_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let output = undertone(folder.path(), &["predict", "I love it", "Meh"], "");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(r#"{"ref":null,"sentiment":"positive","confidence":0."#), "{text}");
    // The shortest number that is the same f32, as the API writes it.
    let line: Value = serde_json::from_str(lines[0]).unwrap();
    let confidence = line["confidence"].as_f64().unwrap() as f32;
    assert!(lines[0].contains(&format!("\"confidence\":{confidence},")), "{text}");
}

#[test]
fn commands_log_warnings_only_unless_they_are_asked_for_more() {
    let folder = TempDir::new().unwrap();
    for (arguments, is_logged) in [
        (&["predict", "x"][..], false),
        (&["predict", "-v", "x"], true),
        (&["predict", "-vv", "x"], true),
        (&["predict", "--set", "log.filter=infra_ml=info", "x"], true),
        (&["predict", "-vv", "--set", "log.filter=error", "x"], false),
    ] {
        let output = undertone(folder.path(), arguments, "");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(log.contains("the model is loaded"), is_logged, "{arguments:?}: {log}");
        assert!(is_logged || log.is_empty(), "{arguments:?}: {log}");
    }
}

#[test]
fn a_file_ends_with_a_summary_and_its_lines_are_in_its_order() {
    let folder = TempDir::new().unwrap();
    let lines = |number| format!("{{\"text\":\"I love it {number}\",\"ref\":\"{number}\"}}\n");
    let input: String = (0..1_500).map(lines).chain(["{\"txt\":1}\n".to_owned()]).collect();
    fs::write(folder.path().join("in.jsonl"), input).unwrap();
    let arguments = ["predict", "--file", "in.jsonl", "--output", "out.jsonl"];
    let output = undertone(folder.path(), &arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let messages = String::from_utf8(output.stderr).unwrap();
    let messages: Vec<&str> = messages.lines().collect();
    assert!(messages[0].starts_with("1,501 texts in ") && messages[0].ends_with(" tokens"), "{messages:?}");
    assert_eq!(messages[1..3], ["  + positive       1,500 100.0%", "  ! failed             1"]);
    assert_eq!(messages[3..], ["undertone: 1 text has no prediction; the output says why"]);
    let written = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    for (number, line) in written.lines().take(1_500).map(line).enumerate() {
        assert_eq!(line["ref"], number.to_string());
    }
    assert!(line(written.lines().last().unwrap())["error"].is_string());
}

#[test]
fn lines_of_a_pipe_are_answered_as_they_arrive() {
    let folder = TempDir::new().unwrap();
    let mut child = start(folder.path(), &[]);
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut output = BufReader::new(output).lines();
    for text in ["I love it", "I hate it"] {
        writeln!(input, "{text}").unwrap();
        let line: Value = serde_json::from_str(&output.next().expect("a line").unwrap()).unwrap();
        assert!(line["sentiment"].is_string(), "{line}");
    }
    drop(input);
    assert!(output.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn after_ctrl_c_every_line_is_complete_and_their_number_is_said() {
    let folder = TempDir::new().unwrap();
    for arguments in [&[][..], &["--keep"], &["--format", "csv"]] {
        let mut child = start(folder.path(), arguments);
        // The input does not end.
        let mut input = child.stdin.take().unwrap();
        input.write_all("I love it\n".repeat(300).as_bytes()).unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        interrupt(&child);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let mut messages = String::new();
        child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{arguments:?}: {messages}");
        let text = first + &rest;
        assert!(text.ends_with('\n'), "{arguments:?}: {text}");
        let header = usize::from(arguments.contains(&"csv"));
        let lines = text.lines().count() - header;
        let expected = if lines == 1 {
            "1 complete line was".to_owned()
        } else {
            format!("{lines} complete lines were")
        };
        assert_eq!(messages, format!("undertone: interrupted; {expected} written\n"), "{arguments:?}");
        if header == 0 {
            text.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).expect(line)));
        }
        drop(input);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_reader_of_the_output() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.txt"), "I love it\n".repeat(4_000)).unwrap();
    let mut child = start(folder.path(), &["--file", "in.txt"]);
    let mut output = child.stdout.take().unwrap();
    let mut first = [0; 1];
    output.read_exact(&mut first).unwrap();
    // More follows than the pipe takes, and nothing reads it.
    interrupt(&child);
    let ended = crate::undertone::wait_for("the end of the command", || {
        interrupt(&child);
        child.try_wait().unwrap()
    });
    assert_eq!(ended.code(), Some(130));
}

#[test]
fn a_reader_that_wants_no_more_ends_the_command_quietly() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.txt"), "I love it\n".repeat(3_000)).unwrap();
    let mut child = start(folder.path(), &["--file", "in.txt"]);
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn standard_input_may_be_a_file_and_the_output_may_be_read_by_people() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in.txt");
    fs::write(&file, "I love it\n\nI hate it\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.current_dir(folder.path()).args(["predict", "--format", "text", "--file", "-"]);
    let output = command.stdin(File::open(file).unwrap()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("+ positive") && lines[0].ends_with("  I love it"), "{text}");
    assert!(lines[1].starts_with("− negative") && lines[1].ends_with("  I hate it"), "{text}");
    assert!(output.stderr.starts_with(b"2 texts in "), "{:?}", String::from_utf8_lossy(&output.stderr));
}

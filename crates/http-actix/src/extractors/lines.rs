use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::{Stream, stream};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;

use crate::extractors::body::{incomplete, too_large};
use crate::extractors::client_wait::ClientWait;
use crate::extractors::line_memory::LineMemory;
use crate::problem::Problem;

/// A line's bytes, or why it cannot be read.
pub(crate) type Line = Result<Bytes, Problem>;

/// The two ends of a body that is read line by line.
///
/// A body belongs to its connection's thread and cannot be sent to another, while use cases take streams that can:
/// so the pump, which stays, hands lines over a channel of one place to the lines, which may go. Whoever polls
/// the answers polls the pump beside them; nothing is read ahead of that but the rest of one chunk, and dropping
/// both ends the reading.
pub(crate) struct LineFeed<P, L> {
    /// Reads the body and finishes when it ends, when it breaks, or when nobody takes lines any more.
    pub(crate) pump: P,
    /// The lines that are not blank, in their order.
    pub(crate) lines: L,
    /// Why the body was not read to its end; none where it was. To be asked when there are no more lines.
    pub(crate) unfinished: Rc<Cell<Option<Unfinished>>>,
    /// What the lines take of the memory for bodies.
    pub(crate) memory: LineMemory,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// It broke, or nobody takes its lines any more.
    Broken,
    /// The next line did not come in time.
    TimedOut,
    /// The service is shutting down.
    ShuttingDown,
}

/// When a body of lines is read no further.
pub(crate) struct LineLimits {
    /// The most bytes of a line.
    pub(crate) bytes: usize,
    /// The longest that the client may make the service wait for the end of a line.
    pub(crate) idle: Duration,
    /// Becomes true when no new lines are to be taken.
    pub(crate) shutting_down: watch::Receiver<bool>,
}

/// Reads `payload` as lines, within `limits`; a line that is too long, or for which there is no room in `memory`, is an
/// error in its place, and its rest is skipped.
pub(crate) fn line_feed(
    payload: Payload,
    limits: LineLimits,
    memory: LineMemory,
) -> LineFeed<impl Future<Output = ()>, impl Stream<Item = Line> + Send + 'static> {
    let (sender, receiver) = mpsc::channel(1);
    let unfinished = Rc::new(Cell::new(Some(Unfinished::Broken)));
    let outcome = Rc::clone(&unfinished);
    let LineLimits { bytes, idle, mut shutting_down } = limits;
    let splitter = LineSplitter::new(bytes, memory.clone());
    // In one place in memory, for it is moved into the response, and large.
    let pump = Box::pin(pump(payload, splitter, ClientWait::at_most(idle), sender));
    let pump = async move {
        outcome.set(tokio::select! {
            biased;
            finished = pump => finished.err(),
            Ok(_) = shutting_down.wait_for(|is_shutting_down| *is_shutting_down) => Some(Unfinished::ShuttingDown),
        });
    };
    let lines =
        stream::unfold(
            receiver,
            |mut receiver| async move { receiver.recv().await.map(|line| (line, receiver)) },
        );
    LineFeed { pump, lines, unfinished, memory }
}

async fn pump(
    mut payload: Payload,
    mut splitter: LineSplitter,
    mut wait: ClientWait,
    sender: Sender<Line>,
) -> Result<(), Unfinished> {
    while let Some(chunk) = wait.next_chunk(&mut payload).await.map_err(|_too_slow| Unfinished::TimedOut)? {
        let mut chunk = chunk.map_err(|error| incomplete(&error)).map_err(|_problem| Unfinished::Broken)?;
        if chunk.contains(&b'\n') {
            wait.restart();
        }
        while let Some(line) = splitter.next_line(&mut chunk) {
            sender.send(line).await.map_err(|_nobody| Unfinished::Broken)?;
        }
    }
    if let Some(line) = splitter.finish() {
        // Where nobody takes it any more, nobody misses it.
        let _ = sender.send(line).await;
    }
    Ok(())
}

/// Cuts chunks of a body at their line feeds.
struct LineSplitter {
    limit: usize,
    begun: BytesMut,
    /// The line at hand was refused: the rest of it is skipped.
    skipping: bool,
    memory: LineMemory,
}

impl LineSplitter {
    fn new(limit: usize, memory: LineMemory) -> Self {
        Self { limit, begun: BytesMut::new(), skipping: false, memory }
    }

    /// The next line that is not blank and whose end, or whose excess, stands in `chunk`; what it needed is taken
    /// off the chunk, and everything where there is no such line.
    fn next_line(&mut self, chunk: &mut Bytes) -> Option<Line> {
        loop {
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if end.is_some() {
                let _line_feed = chunk.split_to(1);
            }
            if !self.skipping
                && let Err(problem) = self.begin(&part)
            {
                self.begun = BytesMut::new();
                self.memory.refuse();
                self.skipping = end.is_none();
                return Some(Err(problem));
            }
            end?;
            if self.skipping {
                self.skipping = false;
            } else if let Some(line) = self.finish() {
                return Some(line);
            }
        }
    }

    /// Adds `part` to the line at hand.
    fn begin(&mut self, part: &Bytes) -> Result<(), Problem> {
        if self.begun.len() + part.len() > self.limit {
            return Err(too_large("the line", self.limit));
        }
        self.memory.reserve(part.len())?;
        self.begun.extend_from_slice(part);
        Ok(())
    }

    /// The line at hand, unless it is blank.
    fn finish(&mut self) -> Option<Line> {
        // Not `split`, which would leave the whole allocation with each line.
        let line = std::mem::take(&mut self.begun).freeze();
        if line.iter().all(u8::is_ascii_whitespace) {
            self.memory.skip();
            return None;
        }
        self.memory.pass_on();
        Some(Ok(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body_memory::{BodyMemory, FREE_BYTES};

    /// The lines of a body that comes in `chunks`; `None` is one that was too long.
    fn split(limit: usize, chunks: &[&str]) -> Vec<Option<String>> {
        let memory = BodyMemory::new(FREE_BYTES);
        let line_memory = LineMemory::of(&memory);
        let mut splitter = LineSplitter::new(limit, line_memory.clone());
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut chunk = Bytes::copy_from_slice(chunk.as_bytes());
            while let Some(line) = splitter.next_line(&mut chunk) {
                lines.push(line);
            }
        }
        lines.extend(splitter.finish());
        for _ in &lines {
            line_memory.line_done();
        }
        assert_eq!(line_memory.bytes(), 0, "every line that was answered gave its memory back");
        let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
        lines.into_iter().map(|line| line.ok().map(text)).collect()
    }

    fn some(lines: &[&str]) -> Vec<Option<String>> {
        lines.iter().map(|line| Some((*line).to_owned())).collect()
    }

    #[test]
    fn lines_are_found_however_the_body_is_cut() {
        let expected = some(&["ab", "c", "d"]);
        assert_eq!(split(9, &["ab\nc\nd"]), expected);
        assert_eq!(split(9, &["a", "b\n", "c", "\n", "", "d\n"]), expected);
    }

    #[test]
    fn blank_lines_are_left_out() {
        assert_eq!(split(9, &["\n\r\n a\n \t\n"]), some(&[" a"]));
        assert!(split(9, &["\n \n"]).is_empty());
    }

    #[test]
    fn a_line_without_room_in_memory_is_refused_and_its_rest_skipped() {
        let memory = BodyMemory::new(10);
        let line_memory = LineMemory::of(&memory);
        let mut splitter = LineSplitter::new(usize::MAX, line_memory.clone());
        let first = "a".repeat(FREE_BYTES);
        let mut chunk = Bytes::from(format!("{first}\nbcd\n{}\nef\n", "x".repeat(11)));
        assert_eq!(splitter.next_line(&mut chunk), Some(Ok(first.into())));
        assert_eq!(splitter.next_line(&mut chunk), Some(Ok("bcd".into())));
        let refused = splitter.next_line(&mut chunk);
        assert!(refused.is_some_and(|line| line.is_err_and(|problem| problem.code().code() == "saturated")));
        assert_eq!(memory.used(), 3);
        line_memory.line_done();
        assert_eq!((memory.used(), line_memory.bytes()), (0, 3), "the first line gave its memory back");
        assert_eq!(splitter.next_line(&mut chunk), Some(Ok("ef".into())));
        assert_eq!(splitter.next_line(&mut chunk), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_its_rest_skipped() {
        let expected = [Some("ok".to_owned()), None, Some("on".to_owned())];
        assert_eq!(split(3, &["ok\nabcdef\non\n"]), expected);
        assert_eq!(split(3, &["ok\nab", "cd", "ef", "gh\non"]), expected);
        assert_eq!(split(3, &["abcd"]), [None]);
        assert_eq!(split(3, &["abc\n"]), some(&["abc"]));
    }
}

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, stream};
use tokio::sync::mpsc::{self, Sender};

use crate::extractors::body::{incomplete, too_large};
use crate::extractors::client_wait::ClientWait;
use crate::extractors::line_memory::LineMemory;
use crate::problem::Problem;

/// A line's bytes, or why it was refused.
pub(crate) type Line = Result<Bytes, Problem>;

/// A body that is read line by line: a future that reads it, and the stream of its lines.
///
/// A body cannot be sent to another thread, but use cases take streams that can. So the pump stays on the connection's
/// thread and sends lines over a channel of capacity one to the stream. Both must be polled together; nothing is read
/// ahead but the rest of one chunk, and dropping both ends the reading.
pub(crate) struct LineFeed<P, L> {
    /// Reads the body until it ends, the connection breaks or the stream of lines is dropped.
    pub(crate) pump: P,
    /// The lines that are not blank, in their order.
    pub(crate) lines: L,
    /// Why the body was not read to its end, or none if it was; valid once the stream of lines has ended.
    pub(crate) unfinished: Rc<Cell<Option<Unfinished>>>,
    /// The memory for bodies that the lines take.
    pub(crate) memory: LineMemory,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The connection broke, or the stream of lines was dropped.
    Broken,
    /// The next line did not arrive in time.
    TimedOut,
    /// The service is shutting down.
    ShuttingDown,
    /// The caller is no longer accepted.
    CallerRefused,
    /// It is not known whether the caller is still accepted.
    Unavailable,
}

/// The limits within which a body is read.
pub(crate) struct LineLimits {
    /// The most bytes of a line.
    pub(crate) bytes: usize,
    /// The longest time that the client may make the service wait for the end of a line.
    pub(crate) idle: Duration,
    /// Ends when no more lines are to be read.
    pub(crate) stop: LocalBoxFuture<'static, Unfinished>,
}

/// Reads `payload` as lines, within `limits`. A line that is too long, or for which `memory` has no room, becomes an
/// error at its position, and the rest of it is skipped.
pub(crate) fn line_feed(
    payload: Payload,
    limits: LineLimits,
    memory: LineMemory,
) -> LineFeed<impl Future<Output = ()>, impl Stream<Item = Line> + Send + 'static> {
    let (sender, receiver) = mpsc::channel(1);
    let unfinished = Rc::new(Cell::new(Some(Unfinished::Broken)));
    let outcome = Rc::clone(&unfinished);
    let LineLimits { bytes, idle, stop } = limits;
    let splitter = LineSplitter::new(bytes, memory.clone());
    // Boxed, because it is large and is moved into the response.
    let pump = Box::pin(pump(payload, splitter, ClientWait::at_most(idle), sender));
    let pump = async move {
        outcome.set(tokio::select! {
            biased;
            finished = pump => finished.err(),
            reason = stop => Some(reason),
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
            sender.send(line).await.map_err(|_dropped| Unfinished::Broken)?;
        }
    }
    if let Some(line) = splitter.finish() {
        // The stream of lines may have been dropped.
        let _ = sender.send(line).await;
    }
    Ok(())
}

/// Splits the chunks of a body at line feeds.
struct LineSplitter {
    limit: usize,
    /// The bytes of the current line so far.
    partial: BytesMut,
    /// Whether the current line was refused, so that the rest of it is skipped.
    skipping: bool,
    memory: LineMemory,
}

impl LineSplitter {
    fn new(limit: usize, memory: LineMemory) -> Self {
        Self { limit, partial: BytesMut::new(), skipping: false, memory }
    }

    /// Returns the next line that is not blank and that ends, or exceeds a limit, in `chunk`. Removes the bytes that
    /// were read from the chunk: all of them if there is no such line.
    fn next_line(&mut self, chunk: &mut Bytes) -> Option<Line> {
        loop {
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if end.is_some() {
                let _line_feed = chunk.split_to(1);
            }
            if !self.skipping
                && let Err(problem) = self.append(&part)
            {
                self.partial = BytesMut::new();
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

    /// Adds `part` to the current line.
    fn append(&mut self, part: &Bytes) -> Result<(), Problem> {
        if self.partial.len() + part.len() > self.limit {
            return Err(too_large("the line", self.limit));
        }
        self.memory.reserve(part.len())?;
        self.partial.extend_from_slice(part);
        Ok(())
    }

    /// Ends the current line and returns it, unless it is blank.
    fn finish(&mut self) -> Option<Line> {
        // Not `split`, with which each line would hold the whole allocation.
        let line = std::mem::take(&mut self.partial).freeze();
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

    /// Returns the lines of a body that arrives in `chunks`; `None` is one that was too long.
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
        assert_eq!(line_memory.bytes(), 0, "every line that is done released its memory");
        let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
        lines.into_iter().map(|line| line.ok().map(text)).collect()
    }

    fn some(lines: &[&str]) -> Vec<Option<String>> {
        lines.iter().map(|line| Some((*line).to_owned())).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_chunked() {
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
        assert_eq!((memory.used(), line_memory.bytes()), (0, 3), "the first line released its memory");
        assert_eq!(splitter.next_line(&mut chunk), Some(Ok("ef".into())));
        assert_eq!(splitter.next_line(&mut chunk), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_once_and_its_rest_skipped() {
        let expected = [Some("ok".to_owned()), None, Some("on".to_owned())];
        assert_eq!(split(3, &["ok\nabcdef\non\n"]), expected);
        assert_eq!(split(3, &["ok\nab", "cd", "ef", "gh\non"]), expected);
        assert_eq!(split(3, &["abcd"]), [None]);
        assert_eq!(split(3, &["abc\n"]), some(&["abc"]));
    }
}

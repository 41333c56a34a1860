use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::mpsc as signals;

use crate::engine::{Cores, Engine, EngineError, TokenBatch};

/// The ids of the small model's words that make the fake engine fail.
const PANIC: u32 = 6;
const NAN: u32 = 7;
const ERROR: u32 = 8;

/// An engine that the tokens control: `panic` panics, `error` fails the batch, and `nan` gives NaN for its own
/// sequence; the logits of any other sequence are `[sum of the ids, tokens, 1]`.
pub(crate) struct FakeEngine {
    seen: Arc<Seen>,
    gate: Option<EngineGate>,
}

/// The batches that the engine ran, and whether it fails for every batch.
#[derive(Default)]
pub(crate) struct Seen {
    batches: Mutex<Vec<Vec<Vec<u32>>>>,
    is_broken: AtomicBool,
}

impl Seen {
    /// The batches, special tokens included, in the order in which they ran: `[batches, sequences, tokens]`.
    pub(crate) fn batches(&self) -> Vec<Vec<Vec<u32>>> {
        self.batches.lock().unwrap().clone()
    }

    /// Makes every later batch fail or, with `false`, none but those whose tokens say so.
    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

/// The engine's end of a gate.
struct EngineGate {
    arrived: signals::UnboundedSender<()>,
    opened: mpsc::Receiver<()>,
}

/// A gate that blocks every batch before it runs, until the gate is dropped.
pub(crate) struct Gate {
    arrivals: signals::UnboundedReceiver<()>,
    _closed: mpsc::Sender<()>,
}

impl Gate {
    /// Waits until a batch arrives at the gate.
    pub(crate) async fn arrival(&mut self) {
        self.arrivals.recv().await.unwrap();
    }
}

impl FakeEngine {
    pub(crate) fn new() -> (Self, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        (Self { seen: Arc::clone(&seen), gate: None }, seen)
    }

    pub(crate) fn gated() -> (Self, Arc<Seen>, Gate) {
        let (mut engine, seen) = Self::new();
        let (arrived, arrivals) = signals::unbounded_channel();
        let (closed, opened) = mpsc::channel();
        engine.gate = Some(EngineGate { arrived, opened });
        (engine, seen, Gate { arrivals, _closed: closed })
    }

    /// The logits of a sequence.
    pub(crate) fn logits(ids: &[u32]) -> Vec<f32> {
        let sum: u32 = ids.iter().sum();
        let last = if ids.contains(&NAN) { f32::NAN } else { 1.0 };
        vec![sum as f32, ids.len() as f32, last]
    }
}

impl Engine for FakeEngine {
    fn forward(&mut self, batch: &TokenBatch, _cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        self.seen.batches.lock().unwrap().push(batch.sequences().map(<[u32]>::to_vec).collect());
        if let Some(gate) = &self.gate {
            // Both fail once the other end is dropped: the gate is open.
            let _ = gate.arrived.send(());
            let _ = gate.opened.recv();
        }
        assert!(!batch.sequences().any(|ids| ids.contains(&PANIC)), "deliberate panic");
        if self.seen.is_broken.load(Ordering::SeqCst) {
            return Err(EngineError::Other("the device is gone"));
        }
        if batch.sequences().any(|ids| ids.contains(&ERROR)) {
            return Err(EngineError::Other("deliberate failure"));
        }
        Ok(batch.sequences().map(Self::logits).collect())
    }

    fn cores_of(&self, _tokens: usize, _cores: Cores) -> usize {
        1
    }

    fn batch_tokens(&self) -> usize {
        usize::MAX
    }
}

use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::mpsc as signals;

use crate::engine::{Cores, Engine, EngineError, TokenBatch};

/// The ids that make the fake engine misbehave, by the small model's words.
const PANIC: u32 = 6;
const NAN: u32 = 7;
const ERROR: u32 = 8;

/// An engine that does as the tokens tell it: `panic` breaks off, `error` fails the batch, `nan` spoils its own row, and
/// all else gives `[sum of the ids, tokens, 1]`.
pub(crate) struct FakeEngine {
    seen: Arc<Seen>,
    gate: Option<Gate>,
}

/// What went through the engine.
#[derive(Default)]
pub(crate) struct Seen {
    batches: Mutex<Vec<Vec<Vec<u32>>>>,
}

impl Seen {
    /// The batches, special tokens included, in the order in which they ran.
    pub(crate) fn batches(&self) -> Vec<Vec<Vec<u32>>> {
        self.batches.lock().unwrap().clone()
    }
}

/// Holds each batch at the engine's door until the keeper is dropped.
struct Gate {
    arrived: signals::UnboundedSender<()>,
    pass: mpsc::Receiver<()>,
}

/// Keeps the gate shut; once dropped, every batch passes.
pub(crate) struct Keeper {
    arrivals: signals::UnboundedReceiver<()>,
    _shut: mpsc::Sender<()>,
}

impl Keeper {
    /// Waits until a batch stands at the gate.
    pub(crate) async fn arrival(&mut self) {
        self.arrivals.recv().await.unwrap();
    }
}

impl FakeEngine {
    pub(crate) fn new() -> (Self, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        (Self { seen: Arc::clone(&seen), gate: None }, seen)
    }

    pub(crate) fn gated() -> (Self, Arc<Seen>, Keeper) {
        let (mut engine, seen) = Self::new();
        let (arrived, arrivals) = signals::unbounded_channel();
        let (shut, pass) = mpsc::channel();
        engine.gate = Some(Gate { arrived, pass });
        (engine, seen, Keeper { arrivals, _shut: shut })
    }

    /// What the engine says to the text of the tokens `ids`.
    pub(crate) fn logits(ids: &[u32]) -> Vec<f32> {
        let sum: u32 = ids.iter().sum();
        let spoilt = if ids.contains(&NAN) { f32::NAN } else { 1.0 };
        vec![sum as f32, ids.len() as f32, spoilt]
    }
}

impl Engine for FakeEngine {
    fn forward(&mut self, batch: &TokenBatch, _cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        self.seen.batches.lock().unwrap().push(batch.sequences().map(<[u32]>::to_vec).collect());
        if let Some(gate) = &self.gate {
            // Both fail once the keeper is gone: then the gate stands open.
            let _ = gate.arrived.send(());
            let _ = gate.pass.recv();
        }
        assert!(!batch.sequences().any(|ids| ids.contains(&PANIC)), "told to panic");
        if batch.sequences().any(|ids| ids.contains(&ERROR)) {
            return Err(EngineError::Other("told to fail"));
        }
        Ok(batch.sequences().map(Self::logits).collect())
    }

    fn batch_tokens(&self) -> usize {
        usize::MAX
    }
}

//! Sample predictions: complete, different from one another, and created in order.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::pin::pin;
use std::task::{Context, Waker};

use application::dtos::PredictSentimentResponse;
use application::ports::UnitOfWork;
use domain::entities::{ApiKey, NewPrediction, Prediction};
use domain::events::DomainEvent;
use domain::value_objects::{
    AuditAction, AuditEntry, Bucket, Confidence, DimensionValue, Dimensions, EventId, IdempotencyKey,
    InputText, KeyId, LabelScore, Limits, Metadata, MetadataValue, ModelRef, PredictionId, PredictionResult,
    Rate, Reference, Rollup, RollupKey, Scope, SecretHash, Sentiment, SentimentScores, TenantId, TextLimits,
    Timestamp, Usage,
};

/// When the first sample is created, in microseconds: 2026-01-02T03:04:05.678901Z.
pub const FIRST: i64 = 1_767_323_045_678_901;

/// The microseconds from one sample to the next: a little more than a millisecond.
const STEP: i64 = 1_337;

/// Creates samples; two of one `Samples` never share an id.
#[derive(Debug, Default)]
pub struct Samples {
    made: i64,
    ids: u64,
}

impl Samples {
    /// Starts with the first sample.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts after `ids` ids, for samples beside others.
    pub fn starting_at(ids: u64) -> Self {
        Self { made: 0, ids }
    }

    /// The next sample.
    pub fn one(&mut self) -> Prediction {
        self.one_with(|_| {})
    }

    /// The next `count` samples, oldest first.
    pub fn many(&mut self, count: usize) -> Vec<Prediction> {
        (0..count).map(|_| self.one()).collect()
    }

    /// The next sample, changed by `change` before it is created.
    pub fn one_with(&mut self, change: impl FnOnce(&mut NewPrediction)) -> Prediction {
        let now = Timestamp::from_micros(FIRST + STEP * self.made);
        self.one_at(now, change)
    }

    /// A sample created at `now`, which its ids contain as well.
    pub fn one_at(&mut self, now: Timestamp, change: impl FnOnce(&mut NewPrediction)) -> Prediction {
        let number = self.made;
        self.made += 1;
        let mut new = NewPrediction {
            id: PredictionId::from_u128(self.next_id(now)),
            event_id: EventId::from_u128(self.next_id(now)),
            text: text(&format!("Sample number {number}: not bad at all.")),
            reference: Some(reference(&format!("sample-{number}"))),
            metadata: metadata([("number", MetadataValue::Integer(number))]),
            result: classified(Sentiment::ALL[(number % 3) as usize], 0.5 + (number % 97) as f32 / 200.0),
            model: ModelRef::new("sample-model", "r1"),
            usage: Usage { tokens: 11, windows: 1, truncated: false },
            cached: false,
            now,
        };
        change(&mut new);
        Prediction::create(new, &dimensions())
    }

    /// The event of deleting `prediction` at `now`.
    pub fn deleted(&mut self, prediction: &Prediction, now: Timestamp) -> DomainEvent {
        let facts = PredictSentimentResponse::from(prediction).facts(&dimensions());
        Prediction::deleted(prediction.id(), Some(facts), EventId::from_u128(self.next_id(now)), now)
    }

    /// The bits of a UUID of version 7 created at `now`: its milliseconds and an increasing number.
    fn next_id(&mut self, now: Timestamp) -> u128 {
        self.ids += 1;
        let millis = u128::from(now.as_micros().div_euclid(1_000).unsigned_abs());
        millis << 80 | 7 << 76 | 2 << 62 | u128::from(self.ids)
    }
}

/// A unit of work of the default tenant that inserts one sample, whose text has `bytes` bytes.
pub fn work_of(bytes: usize) -> UnitOfWork {
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(&Samples::new().one_with(|new| new.text = text(&"word ".repeat(bytes / 5))));
    work
}

/// Whether `future` is ready when it is polled for the first time.
pub fn is_ready_at_once(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// A text of any length.
pub fn text(text: &str) -> InputText {
    InputText::parse(text, TextLimits { max_chars: usize::MAX }).expect("a text that is allowed")
}

/// A reference.
pub fn reference(text: &str) -> Reference {
    Reference::parse(text).expect("a reference that is allowed")
}

/// A probability.
pub fn confidence(value: f32) -> Confidence {
    Confidence::try_new("confidence", value).expect("a probability")
}

/// A tenant.
pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("a tenant's name")
}

/// The key number `number` of `tenant`, issued a little after the keys of lower numbers.
pub fn key(tenant: &TenantId, number: u32) -> ApiKey {
    ApiKey {
        id: key_id(number),
        tenant: tenant.clone(),
        name: None,
        scopes: [Scope::PredictionsWrite, Scope::PredictionsRead].into_iter().collect(),
        limits: Limits::default(),
        secret: SecretHash::from_bytes([number.to_le_bytes()[0]; 32]),
        created_at: Timestamp::from_micros(FIRST + STEP * i64::from(number)),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

/// The id of the key number `number`.
pub fn key_id(number: u32) -> KeyId {
    KeyId::parse("id", format!("k{number:011}")).expect("letters and digits")
}

/// Limits of every kind.
pub fn limits() -> Limits {
    let rate =
        |per_second, burst| Rate::try_new("limits", per_second, burst).expect("a rate that is allowed");
    Limits {
        requests: Some(rate(10, 20)),
        texts: Some(rate(1, Rate::MAX)),
        concurrent: NonZeroU32::new(u32::MAX),
        texts_per_day: NonZeroU64::new(u64::MAX),
    }
}

/// An idempotency key.
pub fn idempotency_key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).expect("a key that is allowed")
}

/// An entry of the audit about `target`.
pub fn entry(tenant: Option<&TenantId>, target: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_micros(FIRST),
        tenant: tenant.cloned(),
        actor: "command-line:ann".to_owned(),
        key_id: None,
        address: None,
        request_id: None,
        action: AuditAction::KeyIssued.as_str().to_owned(),
        target: target.to_owned(),
        detail: None,
    }
}

/// Metadata with these entries.
pub fn metadata<'a>(entries: impl IntoIterator<Item = (&'a str, MetadataValue)>) -> Metadata {
    let entries: BTreeMap<_, _> = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Metadata::try_new(entries).expect("metadata that is allowed")
}

/// A result of three labels in which `sentiment` was chosen with the probability `chosen`.
pub fn classified(sentiment: Sentiment, chosen: f32) -> PredictionResult {
    let rest = (1.0 - chosen) / 2.0;
    let of = |other: Sentiment| if other == sentiment { chosen } else { rest };
    let scores = SentimentScores {
        negative: Some(of(Sentiment::Negative)),
        neutral: Some(of(Sentiment::Neutral)),
        positive: Some(of(Sentiment::Positive)),
    };
    let mut labels: Vec<LabelScore> = Sentiment::ALL[..3]
        .iter()
        .map(|label| LabelScore { label: label.as_str().to_uppercase(), score: of(*label), logit: None })
        .collect();
    labels.sort_by(|a, b| b.score.total_cmp(&a.score));
    PredictionResult::restore(Some(sentiment), Some(confidence(chosen)), scores, labels)
}

/// The dimensions of the samples' events.
pub fn dimensions() -> Dimensions {
    Dimensions::try_new(vec!["source".to_owned()]).expect("a dimension")
}

/// The rollup of a row: its tenant, dimension, value, sentiment, and the name and the revision of its model; its bucket
/// in microseconds; and its counts, in the order of the table's columns.
pub fn rollup_of_row(texts: [String; 6], bucket_us: i64, counts: &[i64]) -> (RollupKey, Rollup) {
    let [tenant, dimension, value, sentiment, model_name, model_revision] = texts;
    let key = RollupKey {
        tenant: self::tenant(&tenant),
        dimension: (!dimension.is_empty()).then_some(DimensionValue { dimension, value }),
        sentiment: (!sentiment.is_empty())
            .then(|| Sentiment::parse("sentiment", &sentiment).expect("a sentiment")),
        bucket: Bucket::containing(Timestamp::from_micros(bucket_us)),
        model_name,
        model_revision,
    };
    assert_eq!(key.bucket.start().as_micros(), bucket_us, "a bucket is stored by its start");
    let mut counts = counts.iter().copied();
    let mut next = || counts.next().expect("as many counts as columns");
    let rollup = Rollup {
        predictions: next(),
        truncated: next(),
        cached: next(),
        tokens: next(),
        confident: next(),
        confidence_sum: next(),
        confidence_histogram: std::array::from_fn(|_| next()),
        length_histogram: std::array::from_fn(|_| next()),
    };
    (key, rollup)
}

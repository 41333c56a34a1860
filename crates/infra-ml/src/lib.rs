//! The model gateway: a BERT classifier on Candle behind a bounded, batching queue

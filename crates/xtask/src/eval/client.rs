use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use super::measures::Scores;

/// A client of the batch route.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    route: String,
}

/// How many texts a request has.
const BATCH: usize = 200;
/// How many times a request is sent while the server is saturated.
const TRIES: usize = 20;

#[derive(Debug, Deserialize)]
struct Batch {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    index: usize,
    prediction: Option<Prediction>,
    problem: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    scores: WireScores,
}

/// A model of two classes has no neutral score.
#[derive(Debug, Deserialize)]
struct WireScores {
    negative: Option<f64>,
    neutral: Option<f64>,
    positive: Option<f64>,
}

impl Client {
    /// A client of the server at `url`.
    pub(super) fn new(url: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(Duration::from_mins(5))).build();
        let route = format!("{}/api/v1/predictions/batch", url.trim_end_matches('/'));
        Self { agent: config.into(), route }
    }

    /// Returns the scores of every text, in order, with `concurrency` requests in flight.
    ///
    /// # Errors
    /// When a request fails or an item has no prediction.
    pub(super) fn classify(&self, texts: &[&str], concurrency: u16) -> anyhow::Result<Vec<Scores>> {
        let batches: Vec<&[&str]> = texts.chunks(BATCH).collect();
        let workers = usize::from(concurrency);
        let mut answers: Vec<(usize, Vec<Scores>)> = thread::scope(|scope| {
            let share = |first: usize| {
                let own = batches.iter().enumerate().skip(first).step_by(workers);
                own.map(|(index, batch)| Ok((index, self.classify_batch(batch)?)))
                    .collect::<anyhow::Result<Vec<_>>>()
            };
            let threads: Vec<_> = (0..workers).map(|first| scope.spawn(move || share(first))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a client thread panicked"))?)
                .collect::<anyhow::Result<Vec<_>>>()
        })?
        .concat();
        answers.sort_by_key(|(index, _)| *index);
        Ok(answers.into_iter().flat_map(|(_, scores)| scores).collect())
    }

    fn classify_batch(&self, texts: &[&str]) -> anyhow::Result<Vec<Scores>> {
        let items: Vec<_> = texts.iter().map(|text| json!({ "text": text })).collect();
        let body = json!({ "items": items });
        for _ in 0..TRIES {
            let mut response = self
                .agent
                .post(&self.route)
                .send_json(&body)
                .with_context(|| format!("POST {}", self.route))?;
            let status = response.status();
            if status == 503 {
                pause(response.headers().get("retry-after").and_then(|value| value.to_str().ok()));
                continue;
            }
            let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
            ensure!(status == 200, "POST {} returned {status}: {text}", self.route);
            return scores_of(
                serde_json::from_str(&text).context("the response is not a batch")?,
                texts.len(),
            );
        }
        bail!("POST {} returned 503 {TRIES} times in a row", self.route)
    }
}

fn pause(retry_after: Option<&str>) {
    let seconds = retry_after.and_then(|value| value.parse().ok()).unwrap_or(1);
    #[expect(clippy::disallowed_methods, reason = "the server sent Retry-After")]
    thread::sleep(Duration::from_secs(seconds));
}

fn scores_of(batch: Batch, expected: usize) -> anyhow::Result<Vec<Scores>> {
    ensure!(
        batch.items.len() == expected,
        "the response has {} items for {expected} texts",
        batch.items.len()
    );
    let scores = batch.items.into_iter().enumerate().map(|(position, item)| {
        ensure!(item.index == position, "item {position} has the index {}", item.index);
        let problem = || format!("item {position} has no prediction: {}", item.problem.unwrap_or_default());
        let WireScores { negative, neutral, positive } = item.prediction.with_context(problem)?.scores;
        let (Some(negative), Some(positive)) = (negative, positive) else {
            bail!(
                "item {position} has no scores for negative and positive: is the model mapped to sentiments?"
            )
        };
        Ok(Scores { negative, neutral: neutral.unwrap_or(0.0), positive })
    });
    scores.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use serde_json::Value;

    use super::*;

    /// A server that responds to each request with the result of `answer` for its items.
    fn server(answer: impl Fn(usize, &[Value]) -> (u16, Value) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for (request, stream) in listener.incoming().enumerate() {
                let mut stream = BufReader::new(stream.unwrap());
                let body: Value = serde_json::from_slice(&body_of(&mut stream)).unwrap();
                let (status, answer) = answer(request, body["items"].as_array().unwrap());
                let answer = answer.to_string();
                let head = "connection: close\r\nretry-after: 0\r\ncontent-length";
                let response =
                    format!("HTTP/1.1 {status} Status\r\n{head}: {}\r\n\r\n{answer}", answer.len());
                stream.get_mut().write_all(response.as_bytes()).unwrap();
            }
        });
        url
    }

    fn body_of(stream: &mut impl BufRead) -> Vec<u8> {
        let mut length = 0;
        for line in stream.lines() {
            let line = line.unwrap().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        body
    }

    /// A response whose positive scores are the numbers that the texts consist of.
    fn batch_of(items: &[Value]) -> Value {
        let item = |(index, item): (usize, &Value)| {
            let positive: f64 = item["text"].as_str().unwrap().parse().unwrap();
            json!({
                "index": index, "status": 200, "problem": null,
                "prediction": { "scores": { "negative": 0.0, "neutral": null, "positive": positive } }
            })
        };
        json!({ "items": items.iter().enumerate().map(item).collect::<Vec<_>>() })
    }

    #[test]
    fn scores_of_many_batches_are_in_the_order_of_the_texts() {
        let url = server(|_, items| (200, batch_of(items)));
        let texts: Vec<String> = (0..BATCH * 3 + 7).map(|number| number.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let scores = Client::new(&url).classify(&texts, 3).unwrap();
        let numbers: Vec<usize> = scores.iter().map(|scores| scores.positive as usize).collect();
        assert_eq!(numbers, (0..texts.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_request_is_repeated_while_the_server_is_saturated() {
        let url =
            server(|request, items| if request < 2 { (503, json!({})) } else { (200, batch_of(items)) });
        assert_eq!(Client::new(&url).classify(&["1"], 1).unwrap().len(), 1);
    }

    #[test]
    fn an_item_that_failed_fails_the_measurement_with_its_problem() {
        let url = server(|_, _| {
            let problem =
                json!({ "index": 0, "status": 422, "prediction": null, "problem": { "code": "text_blank" } });
            (200, json!({ "items": [problem] }))
        });
        let error = format!("{:#}", Client::new(&url).classify(&["1"], 1).unwrap_err());
        assert!(error.contains("text_blank"), "{error}");
    }

    #[test]
    fn a_response_other_than_200_is_an_error_with_its_body() {
        let url = server(|_, _| (413, json!({ "code": "too_large" })));
        let error = format!("{:#}", Client::new(&url).classify(&["1"], 1).unwrap_err());
        assert!(error.contains("413") && error.contains("too_large"), "{error}");
    }
}

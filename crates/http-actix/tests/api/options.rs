//! Every option of a prediction, in a single request, a batch and a stream, and the options that are refused.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::Service;

const PREDICTIONS: &str = "/api/v1/predictions";

/// Returns the prediction or problem of `text` with `options`. Asserts that a single request, a batch and a stream
/// agree, and that the stored prediction is the returned one.
async fn predict(text: &str, options: &Value) -> Value {
    let service = Service::new();
    let body = json!({"text": text, "options": options});
    let single = service.post_json(PREDICTIONS, &body).await;
    let single = (single.status, single.json());
    let batch = json!({"items": [{"text": text}, {"text": text}], "options": options});
    let batch = service.post_json(&format!("{PREDICTIONS}/batch"), &batch).await.json();
    let request = TestRequest::post().uri("/api/v1/predictions/stream");
    let request = request.insert_header(("content-type", "application/x-ndjson"));
    let streamed = service.send(request.set_payload(format!("{body}\n{body}\n"))).await;
    let streamed: Vec<Value> =
        streamed.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let one_by_one = batch["items"].as_array().cloned().unwrap_or_default();
    for (status, answer) in
        one_by_one.iter().chain(&streamed[..2]).map(|item| (&item["status"], outcome(item)))
    {
        assert_eq!(status, &json!(single.0), "{options}");
        assert_eq!(without_id(&answer), without_id(&single.1), "{options}");
        if single.0 == 200 {
            let stored =
                service.get(&format!("{PREDICTIONS}/{}", answer["id"].as_str().unwrap())).await.json();
            assert_eq!(without_id(&stored), without_id(&answer), "{options}");
        }
    }
    if one_by_one.is_empty() {
        assert_eq!(without_id(&batch), without_id(&single.1), "{options}");
    }
    service.assert_nothing_logged_at_error();
    single.1
}

fn outcome(item: &Value) -> Value {
    item.get("prediction").or(item.get("problem")).unwrap().clone()
}

fn without_id(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for name in ["id", "text"] {
        answer.as_object_mut().unwrap().remove(name);
    }
    answer
}

fn labels(answer: &Value) -> Vec<&str> {
    answer["labels"].as_array().unwrap().iter().map(|label| label["label"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn default_options_change_nothing() {
    let plain = predict("good bad", &Value::Null).await;
    assert!(plain.get("sentences").is_none() && plain["labels"][0].get("logit").is_none());
    for nothing in [
        json!({}),
        json!({"top_k": null, "raw": false, "function": "softmax", "granularity": "document"}),
        json!({"max_tokens": 2, "overflow": "reject"}),
        json!({"max_tokens": 1_000_000}),
    ] {
        assert_eq!(without_id(&predict("good bad", &nothing).await), without_id(&plain), "{nothing}");
    }
}

#[actix_web::test]
async fn at_most_top_k_labels_are_returned() {
    let all = ["POSITIVE", "NEUTRAL", "NEGATIVE"];
    for (top_k, count) in [(json!(1), 1), (json!(2), 2), (json!(3.0), 3), (json!(4), 3), (json!(u64::MAX), 3)]
    {
        let answer = predict("good", &json!({"top_k": top_k})).await;
        assert_eq!(labels(&answer), all[..count]);
        assert_eq!(answer["scores"].as_object().unwrap().len(), 3, "the scores are all there");
    }
}

#[actix_web::test]
async fn raw_adds_the_logits_to_the_labels() {
    let answer = predict("good", &json!({"raw": true, "top_k": 2})).await;
    let logits: Vec<_> = answer["labels"].as_array().unwrap().iter().map(|label| &label["logit"]).collect();
    assert_eq!(logits, [&json!(2.0), &json!(0.0)]);
}

#[actix_web::test]
async fn the_function_turns_logits_into_scores() {
    let score = |answer: &Value| answer["labels"][0]["score"].as_f64().unwrap();
    let sum = |answer: &Value| -> f64 {
        answer["labels"].as_array().unwrap().iter().filter_map(|label| label["score"].as_f64()).sum()
    };
    let softmax = predict("good", &json!({"function": "softmax"})).await;
    assert!((sum(&softmax) - 1.0).abs() < 1e-6);
    let sigmoid = predict("good", &json!({"function": "sigmoid"})).await;
    assert!((score(&sigmoid) - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-6 && sum(&sigmoid) > 1.5);
    assert_eq!(
        (&sigmoid["sentiment"], &sigmoid["confidence"]),
        (&json!("positive"), &sigmoid["scores"]["positive"])
    );
    let none = predict("good", &json!({"function": "none"})).await;
    assert_eq!((score(&none), &none["sentiment"]), (2.0, &json!("positive")));
    assert_eq!((&none["confidence"], &none["scores"]), (&Value::Null, &json!({})));
}

#[actix_web::test]
async fn usage_reports_how_much_of_a_text_was_classified() {
    let text = "good so so so bad bad";
    for (options, usage, sentiment) in [
        (json!({"max_tokens": 1, "overflow": "truncate"}), (1, 1, true), "positive"),
        (json!({"max_tokens": 5, "overflow": "truncate"}), (5, 1, true), "neutral"),
        (json!({"max_tokens": 6, "overflow": "truncate"}), (6, 1, false), "neutral"),
        (json!({"max_tokens": 6, "overflow": "reject"}), (6, 1, false), "neutral"),
        (json!({"max_tokens": 4}), (6, 2, false), "positive"),
        (json!({"max_tokens": 5, "overflow": "window"}), (6, 2, false), "neutral"),
    ] {
        let answer = predict(text, &options).await;
        let expected = json!({"tokens": usage.0, "windows": usage.1, "truncated": usage.2});
        assert_eq!(answer["usage"], expected, "{options}");
        assert_eq!(answer["sentiment"], sentiment, "{options}");
    }
}

#[actix_web::test]
async fn sentences_are_classified_one_by_one_and_strong_ones_that_disagree_make_a_text_mixed() {
    let text = " 😀 good good. so so!  bad bad bad";
    let answer = predict(text, &json!({"granularity": "sentence", "top_k": 1})).await;
    assert_eq!((&answer["sentiment"], &answer["confidence"]), (&json!("mixed"), &Value::Null));
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for sentence in answer["sentences"].as_array().unwrap() {
        let at = |name: &str| usize::try_from(sentence[name].as_u64().unwrap()).unwrap();
        let words: String = chars[at("start")..at("end")].iter().collect();
        let sentiment = sentence["sentiment"].as_str().unwrap();
        assert_eq!(sentence["confidence"], sentence["scores"][sentiment]);
        found.push((words, sentiment));
    }
    let expected = [("😀 good good.", "positive"), ("so so!", "neutral"), ("bad bad bad", "negative")];
    assert_eq!(found.iter().map(|(words, it)| (words.as_str(), *it)).collect::<Vec<_>>(), expected);
    assert_eq!(answer["usage"], json!({"tokens": 8, "windows": 4, "truncated": false}));

    let alike = predict("good. love", &json!({"granularity": "sentence"})).await;
    assert_eq!((&alike["sentiment"], &alike["usage"]["windows"]), (&json!("positive"), &json!(3)));
    let one = predict("good", &json!({"granularity": "sentence"})).await;
    assert_eq!((&one["sentences"][0]["end"], &one["usage"]["windows"]), (&json!(4), &json!(1)));
    assert_eq!(one["sentences"][0]["scores"], one["scores"]);
    let narrow = json!({"granularity": "sentence", "max_tokens": 2});
    assert_eq!(predict(text, &narrow).await["usage"]["windows"], 4 + 2 + 1 + 2);
}

#[actix_web::test]
async fn options_that_are_not_allowed_are_reported_by_their_path() {
    let long = json!({"max_tokens": 1, "overflow": "reject"});
    for (options, code, field) in [
        (json!([]), "wrong_type", "options"),
        (json!("raw"), "wrong_type", "options"),
        (json!({"topk": 1}), "unknown_field", "options.topk"),
        (json!({"top_k": 0}), "out_of_range", "options.top_k"),
        (json!({"top_k": -1}), "out_of_range", "options.top_k"),
        (json!({"top_k": 1.5}), "wrong_type", "options.top_k"),
        (json!({"top_k": "1"}), "wrong_type", "options.top_k"),
        (json!({"raw": "yes"}), "wrong_type", "options.raw"),
        (json!({"raw": 1}), "wrong_type", "options.raw"),
        (json!({"function": "tanh"}), "not_one_of", "options.function"),
        (json!({"function": true}), "wrong_type", "options.function"),
        (json!({"granularity": "word"}), "not_one_of", "options.granularity"),
        (json!({"granularity": 1}), "wrong_type", "options.granularity"),
        (json!({"max_tokens": 0}), "out_of_range", "options.max_tokens"),
        (json!({"max_tokens": 1_000_001}), "out_of_range", "options.max_tokens"),
        (json!({"max_tokens": -1e300}), "out_of_range", "options.max_tokens"),
        (json!({"max_tokens": [8]}), "wrong_type", "options.max_tokens"),
        (json!({"max_tokens": 8, "overflow": "drop"}), "not_one_of", "options.overflow"),
        (json!({"max_tokens": 8, "overflow": {}}), "wrong_type", "options.overflow"),
        (json!({"overflow": "window"}), "contradictory", "options.overflow"),
        (json!({"overflow": "reject", "max_tokens": null}), "contradictory", "options.overflow"),
        (json!({"granularity": "sentence", "function": "none"}), "contradictory", "options.function"),
        (
            json!({"granularity": "sentence", "max_tokens": 8, "overflow": "truncate"}),
            "contradictory",
            "options.overflow",
        ),
        (long, "too_many_tokens", "text"),
    ] {
        let problem = predict("two words", &options).await;
        let reported = (&problem["status"], &problem["code"], &problem["field"]);
        assert_eq!(reported, (&json!(422), &json!(code), &json!(field)), "{options}: {problem}");
    }
}

#[actix_web::test]
async fn a_text_of_too_many_sentences_is_refused_and_accepted_without_granularity() {
    let text = "a.".repeat(1_001);
    let problem = predict(&text, &json!({"granularity": "sentence"})).await;
    assert_eq!((&problem["code"], &problem["field"]), (&json!("too_many_sentences"), &json!("text")));
    let answer = predict(&text[2..], &json!({"granularity": "sentence"})).await;
    assert_eq!(answer["sentences"].as_array().unwrap().len(), 1_000);
    assert!(predict(&text, &json!({})).await["sentiment"].is_string());
}

#[actix_web::test]
async fn a_batch_of_too_many_sentences_is_refused_as_a_whole() {
    let service = Service::new();
    let batch = |count: usize| {
        let items = vec![json!({"text": "a.".repeat(1_000)}); count];
        json!({"items": items, "options": {"granularity": "sentence"}})
    };
    let problem = service.post_json(&format!("{PREDICTIONS}/batch"), &batch(11)).await.json();
    assert_eq!((&problem["code"], &problem["field"]), (&json!("too_many_sentences"), &json!("items")));
    let answers = service.post_json(&format!("{PREDICTIONS}/batch"), &batch(10)).await.json();
    assert_eq!(answers["succeeded"], 10);
}

#[actix_web::test]
async fn an_item_of_a_batch_has_no_options_of_its_own_and_a_line_of_a_stream_has() {
    let service = Service::new();
    let items = json!([{"text": "good", "options": {}}, {"text": "good good"}, {"text": "good"}]);
    let options = json!({"max_tokens": 1, "overflow": "reject"});
    let batch = json!({"items": items, "options": options});
    let batch = service.post_json(&format!("{PREDICTIONS}/batch"), &batch).await.json();
    let codes: Vec<_> = (0..3).map(|n| batch["items"][n]["problem"]["code"].clone()).collect();
    assert_eq!(codes, [json!("unknown_field"), json!("too_many_tokens"), Value::Null]);

    let lines = "{\"text\":\"good\",\"options\":{\"top_k\":1}}\n{\"text\":\"good\"}\n";
    let request = TestRequest::post().uri("/api/v1/predictions/stream");
    let request = request.insert_header(("content-type", "application/x-ndjson")).set_payload(lines);
    let answer = service.send(request).await;
    let counts: Vec<_> =
        answer.text().lines().take(2).map(|line| line.matches("\"label\"").count()).collect();
    assert_eq!(counts, [1, 3]);
}

//! Models whose labels are not named after sentiments: known ones, ratings in stars, and those that the operator maps.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testkit::{FakeHub, FakeRepo};

use crate::broken_models::breaking::{config, remove, weights, write_weights};
use crate::broken_models::whole;
use crate::undertone::Undertone;

const STORE: &str = "sqlite:data/undertone.db";
const UNNAMED: [&str; 3] = ["LABEL_0", "LABEL_1", "LABEL_2"];
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];
/// What a line to paste has for each label.
const CHOICE: &str = "\"negative|neutral|positive\"";
const KNOWN: &str = "cardiffnlp/twitter-roberta-base-sentiment";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A small model of three outputs with these labels.
fn labeled(labels: &[&str]) -> TempDir {
    let folder = whole();
    let labels = labels.iter().enumerate().map(|(index, label)| (index.to_string(), json!(label)));
    config(folder.path(), "id2label", labels.collect::<Map<_, _>>().into());
    folder
}

/// Runs `undertone models` in `folder`, where its configuration is.
fn models(folder: &Path, flags: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.current_dir(folder).arg("models").args(flags).env("NO_PROXY", "127.0.0.1");
    command.output().expect("it runs")
}

/// The line on which the program says why it ends with exit code 2.
fn refusal(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("undertone: ")).collect();
    assert_eq!(lines.len(), 1, "{error}");
    lines[0].to_owned()
}

/// The models that the program lists.
fn listed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["items"].clone()
}

/// What follows the advice in a message.
fn to_paste(message: &str) -> &str {
    message.split_once("(see the model's card): ").unwrap_or_else(|| panic!("no line: {message}")).1
}

/// Leaves one sentiment for each label of a line.
fn edited(line: &str) -> String {
    SENTIMENTS
        .iter()
        .fold(line.to_owned(), |line, sentiment| line.replacen(CHOICE, &format!("{sentiment:?}"), 1))
}

fn sentiments(model: &Value) -> Vec<&str> {
    model["labels"].as_array().unwrap().iter().filter_map(|label| label["sentiment"].as_str()).collect()
}

#[test]
fn the_line_of_the_refusal_makes_the_model_load_once_it_is_pasted_and_edited() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("undertone.toml");
    for labels in [UNNAMED, ["sehr schlecht", "mit \"Abstrichen\"\\\n", "très_bon\u{202e}ポジティブ"]] {
        let model = labeled(&labels);
        let section = format!("[model]\npath = {:?}\n", model.path());
        fs::write(&file, &section).unwrap();
        let message = refusal(models(place.path(), &[]));
        assert!(message.contains("section [model] of"), "{message}");
        let line = to_paste(&message);

        fs::write(&file, format!("{section}{line}\n")).unwrap();
        let unedited = refusal(models(place.path(), &[]));
        assert!(unedited.contains("the sentiment must be one of negative, neutral, positive"), "{unedited}");

        fs::write(&file, format!("{section}{}\n", edited(line))).unwrap();
        let model = &listed(&models(place.path(), &[]))[0];
        assert_eq!(sentiments(model), SENTIMENTS, "{model}");
        assert_eq!(model["label_mapping"], json!({"kind": "config", "repo": null}));

        fs::write(&file, format!("{section}labels = \"raw\"\n")).unwrap();
        let model = &listed(&models(place.path(), &[]))[0];
        assert_eq!((sentiments(model).len(), &model["label_mapping"]["kind"]), (0, &json!("raw")));
    }
}

#[test]
fn the_refusal_of_a_further_model_names_its_section() {
    let (place, default, other) = (TempDir::new().unwrap(), whole(), labeled(&UNNAMED));
    let section = format!(
        "[model]\npath = {:?}\nname = \"first\"\n[models.\"v1.2\"]\npath = {:?}\n",
        default.path(),
        other.path()
    );
    let file = place.path().join("undertone.toml");
    fs::write(&file, &section).unwrap();
    let message = refusal(models(place.path(), &[]));
    assert!(message.contains("section [models.\"v1.2\"] of"), "{message}");
    fs::write(&file, format!("{section}{}\n", edited(to_paste(&message)))).unwrap();
    let models = listed(&models(place.path(), &[]));
    assert_eq!(models[0]["label_mapping"]["kind"], "names");
    assert_eq!((sentiments(&models[1]), &models[1]["name"]), (SENTIMENTS.to_vec(), &json!("v1.2")));
}

#[test]
fn labels_without_names_are_mapped_for_a_known_repository_only() {
    let (hub, place) = (FakeHub::start(), TempDir::new().unwrap());
    // A small model with the files of the known one: vocabularies and weights that PyTorch wrote.
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra-ml/tests/layouts/twitter-roberta");
    for repo in [KNOWN, "org/copy"] {
        hub.publish(FakeRepo::of_folder(repo, COMMIT, &model));
    }
    let settings = [
        format!("hub.endpoint={}", hub.endpoint()),
        format!("hub.cache={}", place.path().join("cache").display()),
        "hub.offline=false".to_owned(),
        "hub.token=unused".to_owned(),
    ];
    let flags = |path: &str| {
        let path = format!("model.path={path}");
        settings
            .iter()
            .cloned()
            .chain([path])
            .flat_map(|setting| ["--set".to_owned(), setting])
            .collect::<Vec<_>>()
    };
    for path in ["org/copy".to_owned(), model.display().to_string()] {
        let message = refusal(models(place.path(), &flags(&path)));
        assert!(to_paste(&message).starts_with("labels = { LABEL_0 = "), "{message}");
        let weights = hub.requests().into_iter().filter(|request| request.path.contains(".bin"));
        assert_eq!(weights.count(), 0, "the refusal comes before the download");
    }
    let path = format!("model.path={KNOWN}");
    let settings: Vec<&str> = settings.iter().chain([&path]).map(String::as_str).collect();
    let running = Undertone::start(place.path(), STORE, &settings);
    let served = &running.api().get("/api/v1/models").unwrap().body["items"][0];
    assert_eq!(sentiments(served), SENTIMENTS);
    assert_eq!(served["label_mapping"], json!({"kind": "known_repository", "repo": KNOWN}));
    running.wait_for_log("the model is loaded");
    let is_loaded = |line: &&Value| line["fields"]["message"] == "the model is loaded";
    let log = running.log();
    let fields = &log.iter().find(is_loaded).expect("it is logged")["fields"];
    assert_eq!((&fields["label_mapping"], &fields["known_as"]), (&json!("known_repository"), &json!(KNOWN)));
    assert_eq!(fields["sentiments"], "LABEL_0: negative, LABEL_1: neutral, LABEL_2: positive");
}

#[test]
fn a_request_to_load_a_model_is_refused_with_the_member_that_it_lacks() {
    let (place, default, other) = (TempDir::new().unwrap(), whole(), labeled(&UNNAMED));
    let path = format!("model.path={}", default.path().display());
    let running = Undertone::start(place.path(), STORE, &["server.model_changes=true", &path]);
    let load = |labels: Option<Value>| {
        let mut body = json!({"path": other.path(), "precision": "f32"});
        body.as_object_mut().unwrap().extend(labels.map(|labels| ("labels".to_owned(), labels)));
        running.api().post("/api/v1/models/unnamed", &body).unwrap()
    };
    let refused = load(None);
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("not_loadable")));
    assert_eq!(refused.body["field"], "labels");
    let detail = refused.body["detail"].as_str().unwrap();
    let member: Value = serde_json::from_str(&format!("{{{}}}", edited(to_paste(detail)))).unwrap();
    let loaded = load(Some(member["labels"].clone()));
    assert_eq!((loaded.status, sentiments(&loaded.body)), (201, SENTIMENTS.to_vec()));
    assert_eq!(loaded.body["label_mapping"], json!({"kind": "config", "repo": null}));
}

/// Gives the model in `folder` five outputs: its own three, and two whose weights are those of the first two negated.
fn rate_in_stars(folder: &Path) {
    let labels = json!({"0": "1 star", "1": "2 stars", "2": "3 stars", "3": "4 stars", "4": "5 stars"});
    config(folder, "id2label", labels);
    remove(folder, "reference.json");
    let (mut header, data) = weights(folder);
    let offsets = |entry: &Value| [0, 1].map(|end| entry["data_offsets"][end].as_u64().unwrap() as usize);
    let mut tensors: Vec<_> = header.iter_mut().filter(|(name, _)| *name != "__metadata__").collect();
    tensors.sort_by_key(|(_, entry)| offsets(entry));
    let mut rewritten = Vec::new();
    for (name, entry) in tensors {
        let [first, end] = offsets(entry);
        let begin = rewritten.len();
        rewritten.extend_from_slice(&data[first..end]);
        if name.starts_with("classifier.") {
            let rows = data[first..end].chunks((end - first) / 3).take(2).flatten();
            // The sign is the highest bit of the last byte.
            rewritten
                .extend(rows.enumerate().map(|(at, byte)| if at % 4 == 3 { byte ^ 0x80 } else { *byte }));
            entry["shape"][0] = json!(5);
        }
        entry["data_offsets"] = json!([begin, rewritten.len()]);
    }
    write_weights(folder, &header, &rewritten);
}

#[test]
fn the_scores_of_a_rating_in_stars_are_the_sums_of_its_labels() {
    let (place, model) = (TempDir::new().unwrap(), whole());
    rate_in_stars(model.path());
    let path = format!("model.path={}", model.path().display());
    let running = Undertone::start(place.path(), STORE, &[&path]);
    let served = &running.api().get("/api/v1/models").unwrap().body["items"][0];
    assert_eq!(sentiments(served), ["negative", "negative", "neutral", "positive", "positive"]);
    assert_eq!(served["label_mapping"], json!({"kind": "stars", "repo": null}));
    for text in ["Good.", "ok", "It is what it is, neither good nor bad."] {
        let answer = running.api().predict(text).unwrap().body;
        let number = |value: &Value| value.as_f64().unwrap() as f32;
        let score = |label: &str| {
            let labels = answer["labels"].as_array().unwrap();
            number(&labels.iter().find(|one| one["label"] == label).unwrap()["score"])
        };
        let sums =
            [score("1 star") + score("2 stars"), score("3 stars"), score("4 stars") + score("5 stars")];
        for (sentiment, sum) in SENTIMENTS.into_iter().zip(sums) {
            assert_eq!(number(&answer["scores"][sentiment]).to_bits(), sum.to_bits(), "{answer}");
        }
        let best = (0..3).fold(0, |best, next| if sums[next] > sums[best] { next } else { best });
        assert_eq!(answer["sentiment"], SENTIMENTS[best]);
        assert_eq!(number(&answer["confidence"]).to_bits(), sums[best].to_bits());
    }
}

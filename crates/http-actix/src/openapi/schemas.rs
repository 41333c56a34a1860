//! Schemas of values whose rules the domain keeps; the document repeats them so that callers can check beforehand.

use domain::value_objects::{
    Granularity, Metadata, ModelName, Overflow, Reference, ScoreFunction, Sentiment,
};
use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Object, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{RefOr, SchemaFormat};

use crate::problem::ProblemCode;

/// A character that shows on paper, as `Reference` has it; the space, which a reference may hold too, is not one.
const PRINTABLE: &str =
    r"[^\s\u0000-\u001f\u007f-\u009f\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]";

fn nullable(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// A text to judge; the most characters are those of the default configuration.
pub(crate) fn text() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "The text: 1 to 10,000 characters unless the service is configured otherwise, not blank, without \
             U+0000. It is kept as it is.",
        ))
        .min_length(Some(1))
        .max_length(Some(10_000))
        .pattern(Some(r"^[^\u0000]*[^\s\u0000][^\u0000]*$"))
        .examples(["I love it"])
        .build()
}

/// A reference, as it may be sent.
pub(crate) fn reference() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Your own id for the text: 1 to 128 printable characters, not necessarily unique."))
        .min_length(Some(1))
        .max_length(Some(Reference::MAX_CHARS))
        .pattern(Some(format!("^ *{PRINTABLE}( *{PRINTABLE})* *$")))
        .examples(["review-17"])
        .build()
}

/// A reference, or null.
pub(crate) fn nullable_reference() -> Object {
    let mut schema = reference();
    schema.schema_type = nullable(Type::String);
    schema
}

/// The caller's own facts about a text, as they come back.
pub(crate) fn metadata() -> Object {
    let value = AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\u0000]*$")))
        .item(
            ObjectBuilder::new()
                .schema_type(Type::Number)
                .minimum(Some(-9_223_372_036_854_774_784.0))
                .maximum(Some(9_223_372_036_854_774_784.0)),
        )
        .item(ObjectBuilder::new().schema_type(Type::Boolean));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Your own facts about the text: a flat object of at most 4 KiB in all."))
        .max_properties(Some(Metadata::MAX_KEYS))
        .property_names(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(Metadata::MAX_KEY_CHARS))
                .pattern(Some(r"^[^\u0000]+$")),
        ))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(value)))))
        .examples([json!({"source": "app", "stars": 5})])
        .build()
}

/// The caller's own facts about a text, or null.
pub(crate) fn nullable_metadata() -> Object {
    let mut schema = metadata();
    schema.schema_type = nullable(Type::Object);
    schema
}

/// A sentiment's name.
pub(crate) fn sentiment() -> Object {
    words(Sentiment::ALL.map(Sentiment::as_str))
}

/// A sentiment's name, or null.
pub(crate) fn nullable_sentiment() -> Object {
    ObjectBuilder::new()
        .schema_type(nullable(Type::String))
        .enum_values(Some(
            Sentiment::ALL
                .map(|sentiment| Some(sentiment.as_str()))
                .into_iter()
                .chain([None])
                .map(|word| json!(word)),
        ))
        .description(Some("The sentiment; null where there is no mapping to one."))
        .examples(["positive"])
        .build()
}

/// A word out of a list, or null.
fn nullable_words<T>(names: &[(&'static str, T)], description: &str) -> Object {
    let words = names.iter().map(|(name, _)| json!(name)).chain([json!(null)]);
    ObjectBuilder::new()
        .schema_type(nullable(Type::String))
        .enum_values(Some(words))
        .description(Some(description))
        .build()
}

/// What turns logits into scores, or null.
pub(crate) fn score_function() -> Object {
    nullable_words(
        ScoreFunction::NAMES,
        "What turns logits into scores, in place of the model's own. With `none` the labels' scores are the logits: \
         `confidence` is null, `scores` is empty, and the sentiment is that of the highest.",
    )
}

/// What is judged, or null.
pub(crate) fn granularity() -> Object {
    nullable_words(
        Granularity::NAMES,
        "With `sentence` the answer has `sentences`, and is `mixed` where strong ones disagree. Not together with the \
         function `none` or the overflow `truncate`.",
    )
}

/// What happens to a text of more tokens than asked for, or null.
pub(crate) fn overflow() -> Object {
    nullable_words(
        Overflow::NAMES,
        "What happens to a text of more than `max_tokens`, without which it is not allowed: it is read whole in \
         windows of at most so many tokens (`window`, the default), its first tokens alone are read (`truncate`), \
         or it is refused (`reject`).",
    )
}

/// A kind of problem.
pub(crate) fn problem_code() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(ProblemCode::ALL.map(ProblemCode::code)))
        .description(Some("The kind of problem, for programs: one of the problem catalogue."))
        .examples(["blank"])
        .build()
}

/// How a model's outputs are read.
pub(crate) fn problem_type() -> Object {
    words(["single_label_classification", "multi_label_classification", "regression"])
}

/// Where a model comes from.
pub(crate) fn model_source() -> Object {
    words(["folder", "hub"])
}

/// What a self-test found.
pub(crate) fn self_test() -> Object {
    words(["passed", "absent"])
}

/// A component's state, or the service's.
pub(crate) fn health_status() -> Object {
    words(["healthy", "degraded", "unhealthy"])
}

/// The state of a process that runs.
pub(crate) fn live_status() -> Object {
    words(["ok"])
}

/// Whether requests should be sent here.
pub(crate) fn ready_status() -> Object {
    words(["ready", "not_ready"])
}

/// The name under which a model is loaded.
pub(crate) fn served_name() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(ModelName::MAX_CHARS))
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"))
        .examples(["reviews-de"])
        .build()
}

/// How labels become sentiments: a word, a table, or null.
pub(crate) fn labels_mapping() -> Schema {
    let table = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(sentiment())))));
    AnyOfBuilder::new()
        .item(words(["auto", "raw"]))
        .item(table)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "How labels become sentiments: `auto` (by their names), `raw` (not at all), or a sentiment for each \
             label named.",
        ))
        .build()
        .into()
}

/// An id in a path.
pub(crate) fn uuid() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uuid".to_owned())))
        .examples(["01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11"])
        .build()
}

use domain::value_objects::{InputText, Sentiment};

use super::random::Random;
use crate::samples;

const SUBJECTS: &[&str] = &[
    "the phone",
    "the delivery",
    "customer support",
    "the new menu",
    "the app",
    "my order",
    "the hotel",
    "this book",
    "the battery",
    "the staff",
    "the update",
    "the concert",
    "the coffee",
    "our flight",
    "the keyboard",
    "the jacket",
    "the subscription",
    "the camera",
    "the room",
    "the playlist",
    "the invoice",
    "the checkout",
    "the charger",
    "the café on 5th street",
    "the tent",
    "the vacuum cleaner",
    "the piano teacher",
    "the ferry",
    "the telescope",
    "the sourdough",
    "the ukulele",
    "the gyroscope",
];

const POSITIVE: &[&str] = &[
    "is great",
    "works perfectly",
    "made my day",
    "was better than I expected",
    "is worth every cent",
    "arrived early",
    "is so much fun",
    "could not be friendlier",
    "is exactly what I needed",
    "looks beautiful",
    "never fails",
    "is superb",
    "exceeded the brief",
    "is a marvel",
];

const NEGATIVE: &[&str] = &[
    "is broken",
    "was a waste of money",
    "never arrived",
    "is slower than ever",
    "stopped working after a week",
    "was rude to us",
    "smells of smoke",
    "is overpriced",
    "crashes on start",
    "is not as described",
    "ruined the weekend",
    "was a disappointment",
    "is abysmal",
    "is a travesty",
];

const NEUTRAL: &[&str] = &[
    "is scheduled for Friday",
    "comes in three colors",
    "is next to the station",
    "has a new version",
    "was delivered on Monday",
    "is made of wood",
    "opens at nine",
    "is described in the manual",
    "costs 40 dollars",
    "has two buttons",
    "was announced today",
    "is on the second floor",
    "weighs 300 grams",
];

const ASIDES: &[&str] = &[
    "and I would say so again",
    "according to my sister",
    "as of this morning",
    "for what it is worth",
    "in case anybody wonders",
    "like last year",
    "says the news",
    "since the last release",
    "if you ask me",
    "at least in Lisbon",
    "though it rained all day",
    "which surprised nobody",
    "as the warranty foresees",
    "notwithstanding the brochure",
];

const ELSEWHERE: &[&str] = &[
    "Das Zimmer war sauber und ruhig, gerne wieder.",
    "Le café était froid et le service très lent.",
    "La aplicación funciona bien en mi teléfono.",
    "最高の一日でした。",
    "Сервис отличный, всем советую!",
    "배송이 너무 늦었어요.",
    "الخدمة ممتازة",
    "O barco sai às nove.",
    "Πολύ καλό φαγητό!",
    "खाना बहुत अच्छा था",
    "love it 😍😍",
    "👎👎 never again",
    "see https://example.com/items?id=7 for the details",
    "C'était naïf, voilà tout.",
];

/// The text of row number `row` and its sentiment: one to four statements; one in fifty is long, one in twelve is in
/// another language or script. Every text contains its row's number, so that a search can find it alone.
pub(super) fn text(random: &mut Random, row: u64) -> (InputText, Sentiment) {
    let sentiment = sentiment(random);
    let statements = if random.one_in(50) { 20 + random.below(60) } else { 1 + random.below(4) };
    let mut text = String::new();
    for place in 0..statements {
        statement(&mut text, random, sentiment, place);
    }
    if random.one_in(12) {
        text.push_str(random.pick(ELSEWHERE));
        text.push(' ');
    }
    text.extend(["Ticket ", &row.to_string(), "."]);
    (samples::text(&text), sentiment)
}

fn sentiment(random: &mut Random) -> Sentiment {
    match random.below(100) {
        0..36 => Sentiment::Positive,
        36..66 => Sentiment::Negative,
        66..96 => Sentiment::Neutral,
        _ => Sentiment::Mixed,
    }
}

/// Adds one sentence; those of a mixed text alternate.
fn statement(text: &mut String, random: &mut Random, sentiment: Sentiment, place: u64) {
    let predicates = match sentiment {
        Sentiment::Negative => NEGATIVE,
        Sentiment::Neutral => NEUTRAL,
        Sentiment::Mixed if place.is_multiple_of(2) => NEGATIVE,
        Sentiment::Positive | Sentiment::Mixed => POSITIVE,
    };
    let mut subject = random.pick_uneven(SUBJECTS).chars();
    text.extend(subject.next().map(|first| first.to_ascii_uppercase()));
    text.push_str(subject.as_str());
    text.push(' ');
    text.push_str(random.pick_uneven(predicates));
    if random.one_in(3) {
        text.push_str(", ");
        text.push_str(random.pick_uneven(ASIDES));
    }
    text.push_str(". ");
}

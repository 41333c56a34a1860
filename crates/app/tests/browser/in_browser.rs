//! The tests, by what they are about.

mod accessibility;
mod addresses;
mod credentials;
mod harness;
mod hostile_texts;
mod keyboard;
mod live;
mod long_lists;
mod lost_answers;
mod scopes;

/// The pages of the console by their addresses, and their headings.
const PAGES: [(&str, &str); 6] = [
    ("#/try", "Try"),
    ("#/history", "History"),
    ("#/trends", "Trends"),
    ("#/models", "Models"),
    ("#/service", "Service"),
    ("#/keys", "Keys"),
];

//! What the pages do where the outcome of a request is not known.

use crate::page::Page;
use crate::program::Program;

/// From now on the first `POST` is executed and its response lost.
const LOSE_ONE_ANSWER: &str = "void (() => {
    const send = window.fetch;
    window.fetch = async (address, options) => {
        const response = await send(address, options);
        if (options?.method !== 'POST') return response;
        window.fetch = send;
        throw new TypeError('the response is lost');
    };
})()";

#[test]
fn a_text_whose_answer_was_lost_is_asked_again_and_stored_once() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/try");
    page.see("textbox", "Text to classify");
    page.evaluate(LOSE_ONE_ANSWER);
    page.tab_to("textbox", "Text to classify");
    page.insert("I love it.");
    page.read("cannot be reached");
    page.read("not cached");
    let stored = program.api().get("/api/v1/predictions").unwrap().body;
    assert_eq!(stored["items"].as_array().map(Vec::len), Some(1), "{stored}");
}

// What the API's names about models mean, in words.

/** @type {Record<string, string>} */
export const PRECISION_REASONS = {
  configured: "as configured",
  reference_passed: "int8 stays within the tolerance of the model’s reference",
  reference_failed: "int8 does not stay within the tolerance of the model’s reference",
  calibration_passed: "int8 differs little from f32 on built-in texts",
  calibration_failed: "int8 differs too much from f32 on built-in texts",
  no_fast_int8: "this CPU has no fast int8 arithmetic",
  int8_unsupported: "this architecture has no int8",
  first_usable: "the first precision that passed its trial on this GPU",
};

/** @type {Record<string, string>} */
export const PROBLEM_TYPES = {
  single_label_classification: "one label for each text",
  multi_label_classification: "labels independent of each other",
  regression: "a number for each text",
};

/** @type {Record<string, string>} */
const MAPPINGS = {
  names: "The names of the labels say so.",
  stars: "The labels are 1 star to 5 stars.",
  known_repository: "The model card of the repository says so",
  known_weights: "The weights are those of a model whose card says so",
  config: "A table says so, in the configuration or in the request that loaded the model.",
  raw: "As configured, the labels stand for no sentiment.",
};

/** @param {{ kind: string, repo: string | null }} mapping @returns {string} what the sentiments are based on */
export function basis({ kind, repo }) {
  const words = MAPPINGS[kind] ?? kind;
  return repo ? `${words}: ${repo}.` : words;
}

const DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/** @param {number | null} value @returns {string} a difference with two digits that mean something */
export function difference(value) {
  if (value === null) {
    return "not a finite number";
  }
  return value !== 0 && value < 0.0001 ? value.toExponential(1) : DIGITS.format(value);
}

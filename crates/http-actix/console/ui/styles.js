import { Directive, PartType, directive } from "../vendor/lit-html/directive.js";
import { noChange } from "../vendor/lit-html/lit-html.js";

// Styles by the element's own properties: the policy of the page forbids the attribute `style`.
class Styles extends Directive {
  /** @type {Record<string, string>} */
  #before = {};

  /** @param {Record<string, string>} _properties */
  render(_properties) {
    return noChange;
  }

  /**
   * @param {any} part
   * @param {[Record<string, string>]} values
   * @override
   */
  update(part, [properties]) {
    if (part.type !== PartType.ELEMENT) {
      throw new TypeError("styles() belongs to an element");
    }
    const { style } = /** @type {HTMLElement} */ (part.element);
    for (const [name, value] of Object.entries(properties)) {
      if (this.#before[name] !== value) {
        style.setProperty(name, value);
      }
    }
    this.#before = properties;
    return noChange;
  }
}

/** `<span ${styles({ width: "40%" })}>`: sets properties by their names in CSS, such as `--share`. */
export const styles = directive(Styles);

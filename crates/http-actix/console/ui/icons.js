// Icons of the rail and of buttons: drawn for 20 px, in the color of the text. All are decoration: words stand beside.

import { svg } from "../vendor/lit-html/lit-html.js";

/** @param {import("../vendor/lit-html/lit-html.js").TemplateResult} paths */
function icon(paths) {
  return svg`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${paths}</svg>`;
}

export const icons = {
  try: icon(svg`<path d="M4 15.5V13L13 4l2.5 2.5-9 9H4Z M11.5 5.5 14 8" />`),
  history: icon(svg`<path d="M4 5.5h12M4 10h12M4 14.5h8" />`),
  trends: icon(svg`<path d="M3 16h14M4 12.5l3.5-4 3.5 2.5L16 5" />`),
  models: icon(svg`<path d="M10 3.5 16 7v6l-6 3.5L4 13V7l6-3.5ZM4 7l6 3.5L16 7M10 10.5v6" />`),
  service: icon(svg`<path d="M3 10.5h3.5l2-5 3 9 2-4H17" />`),
  keys: icon(svg`<path d="M9.5 10a3.25 3.25 0 1 1-6.5 0 3.25 3.25 0 0 1 6.5 0Zm0 0H17v3.5M13.5 10v2.5" />`),
  more: icon(svg`<path d="M5 10h.01M10 10h.01M15 10h.01" stroke-width="2.6" />`),
  up: icon(svg`<path d="m5 12.5 5-5 5 5" />`),
  down: icon(svg`<path d="m5 7.5 5 5 5-5" />`),
  close: icon(svg`<path d="m5.5 5.5 9 9M14.5 5.5l-9 9" />`),
  copy: icon(svg`<path d="M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3" />`),
  check: icon(svg`<path d="m4.5 10.5 3.5 3.5 7.5-8" />`),
  trash: icon(svg`<path d="M4.5 6h11M8 6V4h4v2M6 6l.7 10h6.6L14 6" />`),
  download: icon(svg`<path d="M10 3.5v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12" />`),
  plus: icon(svg`<path d="M10 4v12M4 10h12" />`),
  search: icon(svg`<path d="M13 13l4 4M14.5 9a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0Z" />`),
  refresh: icon(svg`<path d="M16 10a6 6 0 1 1-1.8-4.3M16 3.5v3h-3" />`),
  light: icon(svg`<path d="M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM10 3v1.5M10 15.5V17M3 10h1.5M15.5 10H17M5 5l1 1M14 14l1 1M15 5l-1 1M6 14l-1 1" />`),
  dark: icon(svg`<path d="M15.5 11.5A6 6 0 0 1 8.5 4.5a6 6 0 1 0 7 7Z" />`),
  system: icon(svg`<path d="M3.5 5h13v8.5h-13zM8 16.5h4" />`),
  external: icon(svg`<path d="M8 5H4.5v10.5H15V12M11 4h5v5M16 4l-7 7" />`),
};

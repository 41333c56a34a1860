// Types of the console that JSDoc alone cannot say. Read by `tsc --checkJs` only; never served.

import type { TemplateResult } from "./vendor/lit-html/lit-html.js";
import type { Me } from "./core/session.js";

/** A page of the console, as `pages/index.js` lists it. */
export interface Page {
  id: string;
  title: string;
  /** The second key of the shortcut `g …`. */
  shortcut: string;
  icon: TemplateResult;
  /** The page is shown to callers with one of these; to everyone where there are none. */
  scopes: readonly string[];
  load(): Promise<{ open(context: Context): View }>;
}

/** What a page gets from the shell. */
export interface Context {
  me: Me;
  can(...scopes: string[]): boolean;
  /** The parameters of the page's address. */
  params: URLSearchParams;
  /** Changes them; `replace` adds no step to the browser's history. */
  setParams(params: URLSearchParams | Record<string, string>, options?: { replace?: boolean }): void;
  /** Draws the page again, in the next frame. */
  redraw(): void;
}

/** An open page. */
export interface View {
  template(): TemplateResult;
  /** The page's one primary action, at the top. */
  action?(): unknown;
  /** The parameters of the address have changed: `context.params` has them. */
  navigated?(): void;
  /** Puts the focus into the page's search. */
  search?(): void;
  /** Stops what the page runs. */
  close?(): void;
}

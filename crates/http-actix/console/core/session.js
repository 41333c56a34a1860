// Who uses the console: the key, stored for this tab alone, and what the service says that the key may do.

/**
 * `GET /api/v1/me`.
 * @typedef {object} Me
 * @property {string} tenant
 * @property {"none" | "key" | "token"} authentication
 * @property {{ id: string, name: string | null } | null} key
 * @property {string | null} subject
 * @property {string[]} scopes
 * @property {string | null} expires_at
 */

/** Where the key is stored: until the tab is closed. */
const STORED_AS = "undertone.key";

/** @typedef {"starting" | "locked" | "open" | "unreachable"} Phase */

/**
 * What the shell shows. `asks` is true while a key is asked for in front of an open page.
 * @type {{ phase: Phase, me: Me | null, asks: boolean, rejected: boolean, error: unknown }}
 */
export const session = { phase: "starting", me: null, asks: false, rejected: false, error: null };

/** @type {Set<() => void>} */
const observers = new Set();

/** Requests that wait for a key. @type {PromiseWithResolvers<void> | null} */
let waiting = null;

/** @param {() => void} observer called after each change */
export function observe(observer) {
  observers.add(observer);
}

/** @param {Partial<typeof session>} change */
function set(change) {
  Object.assign(session, change);
  for (const observer of observers) {
    observer();
  }
}

/** @returns {string | null} */
function storedKey() {
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

/** @param {string | null} key */
function storeKey(key) {
  if (key === null) {
    sessionStorage.removeItem(STORED_AS);
  } else {
    sessionStorage.setItem(STORED_AS, key);
  }
}

/** Returns the headers that authenticate a request. @returns {Record<string, string>} */
export function authorization() {
  const key = storedKey();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** @param {...string} scopes @returns {boolean} whether the caller has one of them */
export function can(...scopes) {
  return scopes.length === 0 || scopes.some((scope) => session.me?.scopes.includes(scope));
}

/** Finds out who the caller is. */
export async function start() {
  set({ phase: "starting", error: null });
  const { request, ApiError } = await import("./api.js");
  try {
    set({ me: await request("GET", "api/v1/me", { quiet: true }), phase: "open", rejected: false });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      set({ phase: "locked", rejected: storedKey() !== null, me: null });
      storeKey(null);
    } else {
      set({ phase: "unreachable", error });
    }
  }
}

/**
 * Tries `key`; where the service accepts it, requests that wait for a key go on.
 *
 * @param {string} key
 */
export async function unlock(key) {
  const { request, ApiError } = await import("./api.js");
  const before = storedKey();
  storeKey(key);
  try {
    /** @type {Me} */
    const me = await request("GET", "api/v1/me", { quiet: true });
    if (session.me && session.me.tenant !== me.tenant) {
      // What is on the page, and what waits to be sent, belongs to another tenant.
      location.reload();
      return;
    }
    set({ me, phase: "open", asks: false, rejected: false });
    waiting?.resolve();
    waiting = null;
  } catch (error) {
    storeKey(before);
    if (!(error instanceof ApiError && error.status === 401)) {
      throw error;
    }
    set({ rejected: true });
  }
}

/**
 * Asks for a key in front of the page after a 401, and returns once the service has accepted one.
 *
 * @param {Record<string, string>} sent what the refused request was sent with
 */
export async function askForKey(sent) {
  if (sent.Authorization !== authorization().Authorization) {
    return;
  }
  waiting ??= Promise.withResolvers();
  set({ asks: true, rejected: false });
  await waiting.promise;
}

/** Forgets the key. */
export function lock() {
  storeKey(null);
  location.reload();
}

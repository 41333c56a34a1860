// The only way to the service: requests to its public API, with the caller's key, and errors with what to do.

import { askForKey, authorization } from "./session.js";

/** The API's address, relative to the page so that a proxy may add a prefix. */
const ROOT = new URL("../", document.baseURI);

/** How long a request may take unless it says otherwise, in milliseconds. */
const TIMEOUT = 30_000;

/**
 * A response that is a problem (RFC 9457).
 */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} problem
   * @param {Headers} headers
   */
  constructor(status, problem, headers) {
    super(problem.detail ?? problem.title ?? `The service answered with status ${status}.`);
    this.name = "ApiError";
    this.status = status;
    /** @type {string} */
    this.code = problem.code ?? "unknown";
    /** The member of the request at fault. @type {string | null} */
    this.field = problem.field ?? null;
    /** @type {string} */
    this.title = problem.title ?? "Error";
    /** @type {string | null} */
    this.requestId = problem.request_id ?? headers.get("x-request-id");
    const seconds = Number(headers.get("retry-after") ?? Number.NaN);
    /** Seconds after which to try again. @type {number | null} */
    this.retryAfter = Number.isFinite(seconds) ? seconds : null;
    /** @type {Record<string, any>} */
    this.problem = problem;
  }
}

/** The service did not answer: it is down, or the network is. */
export class Unreachable extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, { cause });
    this.name = "Unreachable";
  }
}

/**
 * @typedef {object} RequestOptions
 * @property {Record<string, string | number | boolean | null | undefined> | URLSearchParams} [query] empty values are left out
 * @property {unknown} [body] sent as JSON
 * @property {AbortSignal} [signal]
 * @property {Record<string, string>} [headers]
 * @property {boolean} [keepalive] whether the request outlives the page
 * @property {number} [timeout] in milliseconds
 * @property {() => void} [sending] called before the request is sent, and before it is sent again
 * @property {boolean} [quiet] whether a 401 is an error for the caller, instead of asking for a key
 */

/**
 * Sends a request and returns the JSON of the response, or null where it has none.
 * After a 401 it asks for another key and sends the request again.
 *
 * @param {string} method
 * @param {string} path such as `api/v1/me`
 * @param {RequestOptions} [options]
 * @returns {Promise<any>}
 * @throws {ApiError | Unreachable | DOMException} the last for a request that was aborted
 */
export async function request(method, path, options = {}) {
  const timeout = AbortSignal.timeout(options.timeout ?? TIMEOUT);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const response = await send(method, path, { ...options, signal });
  try {
    const text = await response.text();
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    throw failure(error, options.signal);
  }
}

/**
 * Sends a request and returns the response as soon as its head is there; for text that is not JSON, and for streams.
 *
 * @param {string} method
 * @param {string} path
 * @param {RequestOptions} [options]
 * @returns {Promise<Response>}
 * @throws {ApiError | Unreachable | DOMException}
 */
export async function send(method, path, options = {}) {
  for (;;) {
    const sent = authorization();
    options.sending?.();
    const response = await exchange(method, path, options, sent);
    if (response.ok) {
      return response;
    }
    const problem = await response.json().catch(() => ({}));
    if (response.status >= 502 && problem.code === undefined) {
      throw new Unreachable(`The service cannot be reached: a proxy answered with status ${response.status}.`);
    }
    if (response.status !== 401 || options.quiet) {
      throw new ApiError(response.status, problem, response.headers);
    }
    await askForKey(sent);
    options.signal?.throwIfAborted();
  }
}

/**
 * Returns the address of `path`, for a command line to copy.
 *
 * @param {string} path
 * @param {RequestOptions["query"]} [query]
 * @returns {URL}
 */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  for (const [name, value] of entries) {
    if (value !== null && value !== undefined && value !== "") {
      url.searchParams.append(name, String(value));
    }
  }
  return url;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {RequestOptions} options
 * @param {Record<string, string>} authorized
 * @returns {Promise<Response>}
 */
async function exchange(method, path, { query, body, signal, headers, keepalive }, authorized) {
  try {
    return await fetch(address(path, query), {
      method,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
        ...authorized,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      keepalive,
      cache: "no-store",
      credentials: "omit",
    });
  } catch (error) {
    throw failure(error, signal);
  }
}

/**
 * @param {unknown} error
 * @param {AbortSignal | undefined} signal
 * @returns {unknown}
 */
function failure(error, signal) {
  if (signal?.aborted && signal.reason?.name !== "TimeoutError") {
    return signal.reason;
  }
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  return new Unreachable(timedOut ? "The service did not answer in time." : "The service cannot be reached.", error);
}

/**
 * Whether `error` only says that the page did not want the answer any more.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
export function isAborted(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

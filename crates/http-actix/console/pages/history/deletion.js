// Deletions that can be undone for five seconds: only then the service is asked.

import { ApiError, request } from "../../core/api.js";
import { announce, toast } from "../../ui/toasts.js";
import { explain } from "../../ui/states.js";

/** For how long a deletion can be undone, in milliseconds. */
const UNDO_WITHIN = 5_000;

/** @typedef {{ send: () => Promise<void>, undo: () => void }} Deletion */

/** What is not sent yet, by the prediction's id. @type {Map<string, Deletion>} */
const pending = new Map();

/**
 * @param {string} id
 * @param {() => void} restore called where the prediction is not deleted after all
 */
export function deleteSoon(id, restore) {
  /** @type {Deletion} */
  const deletion = {
    send: async () => {
      finish();
      try {
        await request("DELETE", `api/v1/predictions/${id}`, { keepalive: true });
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) {
          restore();
          const { title, advice } = explain(error);
          toast(`Not deleted. ${title}: ${advice}`, { milliseconds: 10_000 });
        }
      }
    },
    undo: () => {
      finish();
      restore();
      announce("The prediction is back.");
    },
  };
  const timer = setTimeout(deletion.send, UNDO_WITHIN);
  const removeToast = toast("This prediction will be deleted in five seconds.", { action: "Undo", run: deletion.undo, milliseconds: UNDO_WITHIN });
  const finish = () => {
    clearTimeout(timer);
    removeToast();
    pending.delete(id);
  };
  pending.set(id, deletion);
}

/** Undoes the latest deletion that is not sent yet. */
export function undoLatest() {
  [...pending.values()].at(-1)?.undo();
}

window.addEventListener("pagehide", () => {
  for (const deletion of pending.values()) {
    void deletion.send();
  }
});

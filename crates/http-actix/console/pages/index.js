// The pages of the console, in the order of the rail.

import { icons } from "../ui/icons.js";

/** @type {readonly import("../types.d.ts").Page[]} */
export const PAGES = [
  {
    id: "try",
    title: "Try",
    shortcut: "t",
    icon: icons.try,
    scopes: ["predictions:write"],
    load: () => import("./try/page.js"),
  },
  {
    id: "history",
    title: "History",
    shortcut: "h",
    icon: icons.history,
    scopes: ["predictions:read"],
    load: () => import("./history/page.js"),
  },
  {
    id: "trends",
    title: "Trends",
    shortcut: "r",
    icon: icons.trends,
    scopes: ["predictions:read"],
    load: () => import("./trends/page.js"),
  },
  {
    id: "models",
    title: "Models",
    shortcut: "m",
    icon: icons.models,
    scopes: ["models:read"],
    load: () => import("./models/page.js"),
  },
  {
    id: "service",
    title: "Service",
    shortcut: "s",
    icon: icons.service,
    scopes: [],
    load: () => import("./service/page.js"),
  },
  {
    id: "keys",
    title: "Keys",
    shortcut: "k",
    icon: icons.keys,
    scopes: ["keys:admin", "audit:instance"],
    load: () => import("./keys/page.js"),
  },
];

// Times of buckets, in the page's time zone.

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} timeZone @param {Intl.DateTimeFormatOptions} options */
function format(timeZone, options) {
  const name = `${timeZone} ${Object.keys(options)}`;
  let found = formats.get(name);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { timeZone, ...options });
    formats.set(name, found);
  }
  return found;
}

/**
 * The time of a bucket in words, such as `Tue, 3 Mar, 14:00–15:00`, `Tue, 3 Mar 2026` or `2–8 Mar 2026`.
 *
 * @param {{ start: string, end: string }} bucket
 * @param {string} width
 * @param {string} zone
 */
export function bucketTime({ start, end }, width, zone) {
  const [from, to] = [Date.parse(start), Date.parse(end)];
  switch (width) {
    case "15m":
    case "1h":
      return `${format(zone, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(from)}–${format(zone, { hour: "2-digit", minute: "2-digit" }).format(to)}`;
    case "1d":
      return format(zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(from);
    case "1mo":
      return format(zone, { month: "long", year: "numeric" }).format(from);
    default:
      return days(from, to, zone);
  }
}

/**
 * The days from `from` until before `to`, both in milliseconds.
 *
 * @param {number} from
 * @param {number} to
 * @param {string} zone
 */
export function days(from, to, zone) {
  return format(zone, { day: "numeric", month: "short", year: "numeric" }).formatRange(from, Math.max(from, to - 1));
}

/** A time to the minute. @param {number} time in milliseconds @param {string} zone */
export function minute(time, zone) {
  return format(zone, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(time);
}

/** What a field for local times shows. @param {number} time in milliseconds @param {string} zone */
export function toField(time, zone) {
  return new Date(time + offset(time, zone)).toISOString().slice(0, 16);
}

/**
 * What was entered into such a field.
 *
 * @param {string} local
 * @param {string} zone
 * @returns {string} RFC 3339; empty where it is no time
 */
export function fromField(local, zone) {
  const shown = Date.parse(`${local}Z`);
  if (Number.isNaN(shown)) {
    return "";
  }
  // The second look is for times near a change of the clocks.
  const near = shown - offset(shown, zone);
  return new Date(shown - offset(near, zone)).toISOString();
}

/** How far the clocks of the zone are ahead of UTC, in milliseconds. @param {number} time @param {string} zone */
function offset(time, zone) {
  const parts = format(zone, {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(time);
  const [year, month, day, hour, min, second] = ["year", "month", "day", "hour", "minute", "second"].map((type) =>
    Number(parts.find((part) => part.type === type)?.value),
  );
  return Date.UTC(year, month - 1, day, hour % 24, min, second) - Math.floor(time / 1000) * 1000;
}

// The settings, and the hours at which things may leave.

import { clock, concerns, list, object, whole } from "./fields.js";

const DAY = 24 * 60;
const WEEK = 7 * DAY;
const MINUTE_MS = 60_000;

// 1970 began on a Thursday.
const EPOCH = 3 * DAY;

// Each is a sentence of the rules, which have one more.
const OPEN_MAX = 15;

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

// The settings of a text; throws what is wrong with which field.
export function read(text) {
  const fields = parsed(text);
  object("", fields, ["open"], ["utc_offset_minutes", "connections", "reactions"]);
  const { utc_offset_minutes: offset = 0, connections = null, reactions = true } = fields;
  whole("utc_offset_minutes", offset, -720, 840);
  if (typeof reactions !== "boolean") {
    throw "reactions: must be true or false";
  }
  return {
    open: list("open", fields.open, hours, OPEN_MAX),
    offset,
    reactions,
    connections: connections === null ? null : list("connections", connections, name),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text.trim() || "{}");
  } catch (error) {
    throw String(error.message);
  }
}

function name(path, value) {
  if (typeof value !== "string") {
    throw `${path}: must be a text`;
  }
  return value;
}

// Hours that are the same on some days, in minutes of a day.
function hours(path, value) {
  object(path, value, ["days", "from", "to"], []);
  const days = list(`${path}.days`, value.days, day);
  const from = clock(`${path}.from`, value.from);
  const to = clock(`${path}.to`, value.to);
  if (from === to || from === DAY) {
    throw `${path}: it begins when it ends, or a day later`;
  }
  return { days, from, to, minutes: to < from ? to + DAY - from : to - from };
}

function day(path, value) {
  const number = DAYS.indexOf(value);
  if (number < 0) {
    throw `${path}: unknown variant \`${value}\`, expected one of ${DAYS.join(", ")}`;
  }
  return number;
}

// When things may leave again, in words, if they may not at this crossing.
export function closedUntil(settings, crossing) {
  if (crossing.direction !== "outbound" || !concerns(settings.connections, crossing.connection)) {
    return undefined;
  }
  const now = moment(crossing.timeMs, settings.offset);
  const isOpen = (hours) => starts(hours).some((start) => until(start, now) < hours.minutes);
  if (settings.open.some(isOpen)) {
    return undefined;
  }
  const next = settings.open
    .flatMap(starts)
    .reduce((first, start) => (until(now, start) < until(now, first) ? start : first));
  const shown = `${NAMES[Math.floor(next / DAY)]}, ${shownClock(next % DAY)}`;
  return `${shown} (${zone(settings.offset)})`;
}

// The rules in words.
export function rules({ open, offset, reactions, connections }) {
  const what = reactions ? "Posts and reactions" : "Posts";
  const whom = connections ? "some connected workspaces" : "connected workspaces";
  const begin = `${what} are sent to ${whom} only at these hours (${zone(offset)}):`;
  return [begin, ...open.map(inWords)];
}

function inWords({ days, from, to }) {
  const names = NAMES.filter((_, number) => days.includes(number));
  return `${names.join(", ")}: ${shownClock(from)} to ${shownClock(to)}.`;
}

// The minute of the week of a time, on a clock that is so many minutes ahead of UTC.
function moment(timeMs, offset) {
  return remainder(Math.floor(timeMs / MINUTE_MS) + offset + EPOCH, WEEK);
}

// Minutes from one moment to the next time that another one comes.
function until(moment, other) {
  return remainder(other - moment, WEEK);
}

function starts({ days, from }) {
  return days.map((day) => (day * DAY + from) % WEEK);
}

function remainder(number, divisor) {
  return ((number % divisor) + divisor) % divisor;
}

function zone(offset) {
  return `UTC${offset < 0 ? "-" : "+"}${shownClock(Math.abs(offset))}`;
}

function shownClock(minutes) {
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

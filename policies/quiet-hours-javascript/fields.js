// Reading settings that are JSON. What is wrong is thrown, after the path of its field.

// Checks that a value is an object with these fields.
export function object(path, value, required, optional) {
  const at = path && `${path}: `;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw `${at}must be an object`;
  }
  for (const field of Object.keys(value)) {
    if (!required.includes(field) && !optional.includes(field)) {
      throw `${at}unknown field \`${field}\``;
    }
  }
  for (const field of required) {
    if (!(field in value)) {
      throw `${at}missing field \`${field}\``;
    }
  }
}

// The elements of a list, each read by `element(path, value)`: at least one, as an empty list is more likely a
// mistake than meant.
export function list(path, value, element, max = Infinity) {
  if (!Array.isArray(value)) {
    throw `${path}: must be a list`;
  }
  if (value.length === 0) {
    throw `${path}: the list must not be empty`;
  }
  if (value.length > max) {
    throw `${path}: the list may have at most ${max} entries`;
  }
  return value.map((it, number) => element(`${path}[${number}]`, it));
}

// Checks that a value is a whole number of a range.
export function whole(path, value, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw `${path}: must be from ${min} to ${max}`;
  }
}

// The minutes of a time of a day, 00:00 to 24:00.
export function clock(path, value) {
  const isText = typeof value === "string";
  const [, hours, minutes] = (isText && /^([0-9]{2}):([0-9]{2})$/.exec(value)) || [];
  const sum = Number(hours) * 60 + Number(minutes);
  if (!(minutes < 60 && sum <= 24 * 60)) {
    throw `${path}: a time must be given as HH:MM, from 00:00 to 24:00`;
  }
  return sum;
}

// Whether connections (ids or names; none = all) include this one.
export function concerns(connections, { id, name }) {
  return !connections || connections.includes(id) || connections.includes(name);
}

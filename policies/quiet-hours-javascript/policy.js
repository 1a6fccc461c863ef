// The policy `quiet-hours` in JavaScript: it lets posts, reactions and acknowledgements leave this workspace only
// at certain hours. Its settings and answers are those of the one in Rust, ../quiet-hours/src/lib.rs.
//
// A gate or `policy` is an object with the name of its interface in camel case; so are its functions, and the
// fields of records. An error of a `result` is thrown.

import { closedUntil, read, rules } from "./hours.js";
import { schema } from "./schema.js";

// The settings of this instance.
let settings;

export const policy = {
  describe: () => ({
    name: "quiet-hours",
    version: "0.1.0",
    gates: ["post-gate", "reaction-gate"],
    settingsSchema: JSON.stringify(schema),
  }),
  configure(text) {
    settings = read(text);
  },
  rules: () => rules(settings),
};

export const postGate = {
  decide: (crossing) => decision(crossing),
};

export const reactionGate = {
  decide: (crossing) => (settings.reactions ? decision(crossing) : { tag: "allow" }),
};

function decision(crossing) {
  const again = closedUntil(settings, crossing);
  if (again === undefined) {
    return { tag: "allow" };
  }
  const text = `nothing is sent at this hour; it may be sent again from ${again}`;
  return { tag: "deny", val: { code: "quiet-hours", text } };
}

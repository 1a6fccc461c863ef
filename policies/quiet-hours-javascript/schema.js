// The schema of the settings, ../quiet-hours/schema.json.
export const schema = {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Hours at which things may leave",
  "type": "object",
  "additionalProperties": false,
  "required": ["open"],
  "properties": {
    "open": {
      "description": "When things may leave.",
      "type": "array",
      "minItems": 1,
      "maxItems": 15,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["days", "from", "to"],
        "properties": {
          "days": {
            "description": "The days on which it begins.",
            "type": "array",
            "minItems": 1,
            "items": { "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] }
          },
          "from": {
            "description": "The first minute.",
            "type": "string",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
          },
          "to": {
            "description": "The minute after the last one; on the following day if it is earlier than the first.",
            "type": "string",
            "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
          }
        }
      }
    },
    "utc_offset_minutes": {
      "description": "How far the clock is ahead of UTC.",
      "type": "integer",
      "minimum": -720,
      "maximum": 840,
      "default": 0
    },
    "connections": {
      "description": "The connections that it is about, by id or name; all if missing.",
      "type": "array",
      "minItems": 1,
      "items": { "type": "string" }
    },
    "reactions": {
      "description": "Whether reactions and acknowledgements wait as well.",
      "type": "boolean",
      "default": true
    }
  },
  "examples": [
    {
      "utc_offset_minutes": 60,
      "open": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00" }],
      "connections": ["globex"],
      "reactions": false
    }
  ]
};

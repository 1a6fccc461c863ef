//! The schema of a policy's settings.

use serde_json::Value;

/// Checks that a schema is strict (no object takes other fields than those that it names) and that the policy
/// takes each of its `examples`, which together use every field of the settings.
///
/// # Panics
/// If it is not so.
pub fn check_schema(schema: &str, configure: impl Fn(String) -> Result<(), String>) {
    let schema: Value = serde_json::from_str(schema).expect("the schema is not JSON");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    check_strict(&schema, "");
    let examples = schema["examples"].as_array().expect("it has no examples");
    for example in examples {
        let taken = configure(example.to_string());
        assert_eq!(taken, Ok(()), "{example}");
    }
    let fields = schema["properties"].as_object().expect("it has no fields");
    for field in fields.keys() {
        let is_used = examples.iter().any(|example| example.get(field).is_some());
        assert!(is_used, "no example uses {field}");
    }
}

fn check_strict(schema: &Value, path: &str) {
    let Some(object) = schema.as_object() else {
        return;
    };
    if schema["type"] == "object" {
        let rest = &schema["additionalProperties"];
        let is_map = rest.is_object() && schema.get("properties").is_none();
        assert!(*rest == false || is_map, "{path} takes any field");
    }
    for (name, value) in object.iter().filter(|(name, _)| *name != "examples") {
        check_strict(value, &format!("{path}/{name}"));
    }
}

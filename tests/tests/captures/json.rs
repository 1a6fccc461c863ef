//! JSON whose objects keep the order of their keys: comparisons include the order in
//! which a server writes them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a text.
    pub fn parse(bytes: &[u8]) -> Option<Json> {
        serde_json::from_slice(bytes).ok()
    }

    /// A member, if this is an object that has it.
    pub fn find(&self, key: &str) -> Option<&Json> {
        let Json::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// A member; null if there is none.
    pub fn get(&self, key: &str) -> &Json {
        self.find(key).unwrap_or(&Json::Null)
    }

    /// The text; empty if this is not a text.
    pub fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            _ => "",
        }
    }

    /// The integer; 0 if this is not an integer.
    pub fn integer(&self) -> i64 {
        match self {
            Json::Number(number) => number.as_i64().unwrap_or_default(),
            _ => 0,
        }
    }

    /// The elements; empty if this is not a list.
    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(list) => list,
            _ => &[],
        }
    }

    /// The members; empty if this is not an object.
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    /// Whether it contains anything: a member, an element, a character.
    pub fn is_filled(&self) -> bool {
        !self.members().is_empty() || !self.list().is_empty() || !self.text().is_empty()
    }

    /// The kind of value, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::Text(_) => "text",
            Json::List(_) => "list",
            Json::Object(_) => "object",
        }
    }

    /// A copy with every text replaced for which `replace` returns another, keys included.
    pub fn map(&self, replace: &impl Fn(&str) -> Option<String>) -> Json {
        let text = |text: &String| replace(text).unwrap_or_else(|| text.clone());
        match self {
            Json::Text(inner) => Json::Text(text(inner)),
            Json::List(list) => Json::List(list.iter().map(|item| item.map(replace)).collect()),
            Json::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(key, value)| (text(key), value.map(replace)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// Calls `visit` with every text, keys included.
    pub fn visit(&self, visit: &mut impl FnMut(&str)) {
        match self {
            Json::Text(text) => visit(text),
            Json::List(list) => list.iter().for_each(|item| item.visit(visit)),
            Json::Object(members) => {
                for (key, value) in members {
                    visit(key);
                    value.visit(visit);
                }
            }
            _ => {}
        }
    }

    /// Sets a member of an object.
    pub fn set(&mut self, key: &str, value: Json) {
        let Json::Object(members) = self else { return };
        match members.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => members.push((key.to_string(), value)),
        }
    }

    /// Removes members of an object; returns whether there was one.
    pub fn remove(&mut self, keys: &[&str]) -> bool {
        let Json::Object(members) = self else {
            return false;
        };
        let before = members.len();
        members.retain(|(name, _)| !keys.contains(&&**name));
        members.len() < before
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_string())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Json {
        Json::Number(number.into())
    }
}

/// Compact, as servers write it.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(value) => value.serialize(serializer),
            Json::Text(value) => serializer.serialize_str(value),
            Json::List(value) => value.serialize(serializer),
            Json::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

//! Texts with variables: canned responses, greetings, what automations send (R37 to R39).
//!
//! A variable stands in braces, `Hello {contact.first_name}`, and may say what stands there if it has no value:
//! `Hello {contact.first_name|there}`. A brace itself is written `\{`. Which variables there are depends on what the text is
//! for; a text that names others is refused when it is saved, so that no customer ever reads one.

use std::collections::BTreeMap;

use leon::{Item, Template};
use serde::Serialize;

/// What a canned response may name.
pub const CANNED: &[&str] = &[
    "contact.name",
    "contact.first_name",
    "contact.phone",
    "contact.email",
    "member.name",
    "member.first_name",
    "workspace.name",
];
/// What an automation's text may name, beside `data.` with the name of any of its event's data.
pub const AUTOMATION: &[&str] = &[
    "contact.name",
    "contact.first_name",
    "contact.phone",
    "contact.email",
    "owner.name",
    "owner.first_name",
    "workspace.name",
    "data.",
];
/// What a greeting may name: nobody is known yet.
pub const GREETING: &[&str] = &["workspace.name"];

/// A text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a brace is not closed, or closes nothing: variables stand in braces, a brace itself is written \\{{")]
pub struct InvalidTemplate;

/// A text with its variables' values in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Variables that have neither a value nor a stand-in: nothing stands in their places.
    pub missing: Vec<String>,
    /// Variables that there are none of.
    pub unknown: Vec<String>,
}

/// The variables that a text names and that are none of `known`; a known one that ends with a dot means all that begin so.
///
/// # Errors
/// [`InvalidTemplate`].
pub fn unknown(text: &str, known: &[&str]) -> Result<Vec<String>, InvalidTemplate> {
    let template = Template::parse(text).map_err(|_| InvalidTemplate)?;
    let mut unknown: Vec<String> = Vec::new();
    for item in template.items.iter() {
        if let Item::Key(key) = item
            && !is_known(variable(key).0, known)
            && !unknown.iter().any(|named| named == variable(key).0)
        {
            unknown.push(variable(key).0.to_owned());
        }
    }
    Ok(unknown)
}

/// Puts values in the place of variables.
///
/// # Errors
/// [`InvalidTemplate`].
pub fn expand(text: &str, known: &[&str], values: &BTreeMap<String, String>) -> Result<Expanded, InvalidTemplate> {
    let template = Template::parse(text).map_err(|_| InvalidTemplate)?;
    let mut expanded = Expanded { unknown: unknown(text, known)?, ..Expanded::default() };
    for item in template.items.iter() {
        match item {
            Item::Text(text) => expanded.text.push_str(text),
            Item::Key(key) => {
                let (name, stand_in) = variable(key);
                match values.get(name).map(String::as_str).filter(|value| !value.is_empty()).or(stand_in) {
                    Some(value) => expanded.text.push_str(value),
                    None if is_known(name, known) && !expanded.missing.iter().any(|named| named == name) => {
                        expanded.missing.push(name.to_owned());
                    }
                    None => {}
                }
            }
        }
    }
    Ok(expanded)
}

/// Adds the name of somebody, whole and the first word of it, under `{who}.name` and `{who}.first_name`.
pub fn name_values(values: &mut BTreeMap<String, String>, who: &str, name: &str) {
    let first = name.split_whitespace().next().unwrap_or_default();
    values.insert(format!("{who}.name"), name.trim().to_owned());
    values.insert(format!("{who}.first_name"), first.to_owned());
}

/// A variable's name and its stand-in.
fn variable(key: &str) -> (&str, Option<&str>) {
    match key.split_once('|') {
        Some((name, stand_in)) => (name.trim(), Some(stand_in.trim())),
        None => (key, None),
    }
}

fn is_known(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| match known.strip_suffix('.') {
        Some(family) => {
            name.strip_prefix(family).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| !rest.is_empty())
        }
        None => *known == name,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        let mut values = BTreeMap::from([("data.cart".to_owned(), "https://shop.example/c/7".to_owned())]);
        name_values(&mut values, "contact", "Mara  Lindgren");
        name_values(&mut values, "member", "");
        values
    }

    /// R37: variables, their stand-ins, and a brace that is one.
    #[test]
    fn variables_get_their_values() {
        let expanded = |text| expand(text, CANNED, &values()).unwrap();
        assert_eq!(expanded("Hi { contact.first_name }, it's {member.name|us}!").text, "Hi Mara, it's us!");
        assert_eq!(expanded(r"set notation: \{1, 2\}").text, "set notation: {1, 2}");
        let bare = expanded("Bye, {member.name}{contact.email}");
        assert_eq!(
            (bare.text.as_str(), bare.missing),
            ("Bye, ", vec!["member.name".to_owned(), "contact.email".into()])
        );
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert_eq!(unknown("{contact.name} {price} {price|low} {data.cart}", CANNED).unwrap(), ["price", "data.cart"]);
        assert_eq!(unknown("{data.cart} {data.} {data}", AUTOMATION).unwrap(), ["data.", "data"]);
        assert_eq!(unknown("{contact.name", CANNED), Err(InvalidTemplate));
        assert_eq!(unknown("contact.name}", CANNED), Err(InvalidTemplate));
        assert_eq!(expand("{data.cart}", AUTOMATION, &values()).unwrap().text, "https://shop.example/c/7");
    }
}

//! How people name a thing: by its id, its whole name, or the beginning of either as long as only one thing begins so.

use std::fmt::Display;

use super::AdminError;

/// The longest name of a workspace, role or member, in bytes.
pub const MAX_BYTES: usize = 200;

/// The one of `all` that `typed` means. Capitals don't matter; a whole name goes before a beginning.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`], both saying what there is.
pub fn resolve<I: Copy + Display>(what: &'static str, typed: &str, all: &[(I, String)]) -> Result<I, AdminError> {
    let wanted = typed.trim().to_lowercase();
    let pick = |matches: &dyn Fn(&I, &str) -> bool| {
        all.iter().filter(|(id, name)| matches(id, &name.to_lowercase())).collect::<Vec<_>>()
    };
    let whole = pick(&|id, name| name == wanted || id.to_string().to_lowercase() == wanted);
    let found = if whole.is_empty() && !wanted.is_empty() {
        pick(&|id, name| name.starts_with(&wanted) || id.to_string().to_lowercase().starts_with(&wanted))
    } else {
        whole
    };
    match found.as_slice() {
        [(id, _)] => Ok(*id),
        [] => Err(AdminError::NotFound { what, typed: typed.to_owned(), known: known(what, all) }),
        several => {
            let candidates = several.iter().map(|(id, name)| format!("{name} ({id})")).collect::<Vec<_>>().join(", ");
            Err(AdminError::Ambiguous { what, typed: typed.to_owned(), candidates })
        }
    }
}

fn known<I: Display>(what: &str, all: &[(I, String)]) -> String {
    const SHOWN: usize = 20;
    match all.len() {
        0 => format!("there are no {what}s yet"),
        count => {
            let names = all.iter().take(SHOWN).map(|(_, name)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
            format!("known are {names}{more}")
        }
    }
}

/// A name as it is stored.
///
/// # Errors
/// [`AdminError::Name`] if it is empty or too long.
pub fn check(what: &str, name: &str) -> Result<String, AdminError> {
    let name = name.trim();
    if name.is_empty() || name.len() > MAX_BYTES || name.chars().any(char::is_control) {
        return Err(AdminError::Name(format!(
            "the {what}'s name must have 1 to {MAX_BYTES} bytes and no control characters"
        )));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn people() -> Vec<(u32, String)> {
        vec![(17, "Ana Silva".into()), (25, "Ana".into()), (31, "Ben Okafor".into())]
    }

    #[test]
    fn a_beginning_is_enough_when_it_is_the_only_one() {
        assert_eq!(resolve("member", "ben", &people()).unwrap(), 31);
        assert_eq!(resolve("member", "31", &people()).unwrap(), 31);
    }

    #[test]
    fn a_whole_name_goes_before_a_beginning() {
        assert_eq!(resolve("member", "ANA", &people()).unwrap(), 25);
    }

    #[test]
    fn what_is_unclear_is_said_with_what_there_is() {
        let ambiguous = resolve("member", "an", &people()).unwrap_err().to_string();
        assert!(ambiguous.contains("Ana Silva (17)") && ambiguous.contains("Ana (25)"), "{ambiguous}");
        let missing = resolve("member", "Cho", &people()).unwrap_err().to_string();
        assert!(missing.contains("no member 'Cho'") && missing.contains("'Ben Okafor'"), "{missing}");
        assert!(resolve("member", "", &people()).is_err());
    }
}

//! Phone numbers, by the library that knows every country's plan.

use std::str::FromStr;

use phonenumber::{Mode, PhoneNumber, country};

/// The text is no phone number of any plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a phone number; write it with its country code, such as +1 555 010 2030")]
pub struct InvalidPhone(pub String);

/// Reads a phone number as a person types it into E.164. `region` is the ISO 3166 code assumed for numbers without a
/// country code.
///
/// # Errors
/// [`InvalidPhone`] if it is not possible as a number.
pub fn to_e164(typed: &str, region: &str) -> Result<String, InvalidPhone> {
    let invalid = || InvalidPhone(typed.chars().take(64).collect());
    let region = country::Id::from_str(region).ok();
    let number: PhoneNumber = phonenumber::parse(region, typed).map_err(|_| invalid())?;
    let text = number.format().mode(Mode::E164).to_string();
    if is_e164(&text) { Ok(text) } else { Err(invalid()) }
}

/// Whether the text has the form of E.164: `+`, then 7 to 15 digits, the first not 0.
pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// Whether numbers of this country can be read without their country code: an ISO 3166 code such as `US`.
pub fn is_region(region: &str) -> bool {
    country::Id::from_str(region).is_ok()
}

/// The digits of what was typed, for a search that ignores how a number is written.
pub fn digits(typed: &str) -> String {
    typed.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_forms_become_one() {
        for typed in ["(415) 555-2671", "415-555-2671", "+1 415 555 2671", "+14155552671"] {
            assert_eq!(to_e164(typed, "US").as_deref(), Ok("+14155552671"), "{typed}");
        }
        assert_eq!(to_e164("020 7946 0958", "GB").as_deref(), Ok("+442079460958"));
        assert!(to_e164("hello", "US").is_err());
        assert!(to_e164("12", "US").is_err());
    }
}

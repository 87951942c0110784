//! Twilio's error codes in words that tell a person what to do next.

/// What to make of a refusal of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The same message will never be taken.
    Permanent,
    /// An administrator has to act at the provider first.
    NeedsAdministrator,
    /// Too much at once: a pause is enough.
    Busy,
}

/// How to take a refusal with this code.
pub fn refusal(code: i64) -> Refusal {
    match code {
        20003 | 20005 | 20404 | 30002 => Refusal::NeedsAdministrator,
        14107 | 20429 | 21611 | 30001 => Refusal::Busy,
        _ => Refusal::Permanent,
    }
}

/// The reason for people. A code that is not known here comes with the provider's own words, if it gave any.
pub fn describe(code: Option<i64>, said: Option<&str>) -> String {
    let Some(code) = code else {
        return said.map_or_else(
            || "The provider could not deliver it and gave no reason.".to_owned(),
            |said| format!("The provider refused it: {}", brief(said)),
        );
    };
    match known(code) {
        Some(text) => format!("{text} (code {code})"),
        None => match said {
            Some(said) => format!("The provider refused it: {} (code {code})", brief(said)),
            None => format!("The provider could not deliver it (code {code})"),
        },
    }
}

fn brief(said: &str) -> String {
    said.chars().take(200).collect()
}

fn known(code: i64) -> Option<&'static str> {
    Some(match code {
        20003 => "The provider refused our credentials; an administrator must check the account's id and token",
        20005 => "The account at the provider is not active; an administrator must reactivate it",
        20404 => "The provider doesn't know our account; an administrator must check the account's id",
        20429 | 14107 => "The provider asks for fewer messages a second",
        21211 => "The number is not a valid phone number; check it on the contact's card",
        21212 => "Our sending number is not valid; an administrator must check the workspace's numbers",
        21408 => "Messages to this country are not enabled at the provider; an administrator can enable them",
        21602 => "The message has no text",
        21606 | 21659 | 21660 => {
            "Our sending number may not send SMS; an administrator must check the workspace's numbers"
        }
        21608 => "The provider's trial account may only text verified numbers; an administrator must upgrade it",
        21610 => "The contact has opted out of messages from this number; they must text START first",
        21611 => "Too many messages wait at the provider for this number",
        21612 => "The provider can't reach this number from ours",
        21614 => "The number can't receive SMS; ask the contact for a mobile number",
        21617 => "The message is too long for SMS; shorten it",
        30001 => "Too many messages wait at the provider",
        30002 => "The account at the provider is suspended; an administrator must settle that with the provider",
        30003 => "The phone can't be reached: switched off or without reception; try again later",
        30004 => "The contact's phone or carrier blocks messages from this number",
        30005 => "The number is unknown or no longer in use; check it on the contact's card",
        30006 => "The number is a landline or can't receive SMS; ask the contact for a mobile number",
        30007 => "The carrier filtered the message as spam; reword it, without links if possible",
        30008 => "The carrier could not deliver it and gave no reason; try again later",
        30010 => "The message costs more than the limit set at the provider",
        30022 | 30023 => "The carrier's limit of messages for our number is used up; try again later",
        30032 | 30034 | 30035 => {
            "Our sending number is not registered with the carriers; an administrator must register it at the provider"
        }
        63038 => "The account's daily limit of messages is used up; try again tomorrow",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R31: a failure says why, in words.
    #[test]
    fn codes_become_reasons_that_say_what_to_do() {
        assert_eq!(
            describe(Some(30006), None),
            "The number is a landline or can't receive SMS; ask the contact for a mobile number (code 30006)"
        );
        assert!(describe(Some(21610), Some("Attempt to send to unsubscribed recipient")).contains("must text START"));
        assert_eq!(describe(Some(39999), Some("Odd thing")), "The provider refused it: Odd thing (code 39999)");
        assert_eq!(describe(None, None), "The provider could not deliver it and gave no reason.");
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        assert_eq!(refusal(21610), Refusal::Permanent);
        assert_eq!(refusal(20003), Refusal::NeedsAdministrator);
        assert_eq!(refusal(20429), Refusal::Busy);
    }
}

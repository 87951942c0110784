//! Twilio's signature: base64 of the HMAC-SHA1, keyed with the account's token, over the URL as Twilio called it (with its
//! query) followed by every parameter of the form, sorted by name, each as name and value without a separator.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The header that carries it.
pub const HEADER: &str = "x-twilio-signature";

fn mac<'a>(auth_token: &str, url: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Hmac<Sha1>> {
    // A name that comes several times counts with each of its different values, sorted.
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        sorted.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).ok()?;
    mac.update(url.as_bytes());
    for (name, values) in sorted {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    Some(mac)
}

/// Signs as Twilio does.
pub fn sign<'a>(auth_token: &str, url: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    // HMAC takes keys of any length, so that there always is a signature.
    mac(auth_token, url, parameters).map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// Whether the signature is Twilio's, compared in constant time. An empty token verifies nothing: whoever knows that there
/// is none could sign with it.
pub fn verify<'a>(
    auth_token: &str,
    url: &str,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
    signature: &str,
) -> bool {
    if auth_token.is_empty() {
        return false;
    }
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    mac(auth_token, url, parameters).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const CALL: [(&str, &str); 5] = [
        ("To", "+18005551212"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("Caller", "+12349013030"),
    ];

    /// The worked examples of Twilio's security guide (the present one and the older one).
    #[test]
    fn twilios_published_examples_verify() {
        assert_eq!(sign("12345", URL, CALL.into_iter()), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
        let older = CALL.map(|(name, value)| (name, if value == "+12349013030" { "+14158675309" } else { value }));
        assert!(verify("12345", URL, older.into_iter(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    }

    #[test]
    fn anything_else_does_not() {
        let good = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
        assert!(verify("12345", URL, CALL.into_iter(), good));
        assert!(!verify("54321", URL, CALL.into_iter(), good), "another key");
        assert!(
            !verify("12345", "https://mycompany.com/myapp.php?foo=1&bar=3", CALL.into_iter(), good),
            "another query"
        );
        assert!(!verify("12345", URL, CALL.into_iter().skip(1), good), "a parameter less");
        assert!(!verify("12345", URL, CALL.into_iter().chain([("Extra", "1")]), good), "a parameter more");
        for wrong in ["", "0/KCTR6DLpKmkAf8muzZqo1nDgQ", "0/KC", "not base64!"] {
            assert!(!verify("12345", URL, CALL.into_iter(), wrong), "{wrong}");
        }
        let unkeyed = sign("", URL, CALL.into_iter());
        assert!(!verify("", URL, CALL.into_iter(), &unkeyed), "no key at all");
    }
}

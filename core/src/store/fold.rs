//! Names and numbers made comparable (R23): what is stored and what is typed go through the same folding.
//!
//! A name becomes lower-case ASCII words: `Łukasz Sørensen-Weiß` is `lukasz sorensen weiss`, `Борис` is `boris`. A phone
//! becomes the forms in which people write it, as digits: `+442079460958` is `442079460958`, `2079460958` and
//! `02079460958`. Words and forms are stored with [`PAD`] before each and at the end. The index is of trigrams, so that any
//! three characters of a word are found, and with the padding its first one or two are as well.

use any_ascii::any_ascii_char;

use super::dialling::trunk_prefix;

/// Two spaces: the least that makes the first character of a word a trigram.
pub(super) const PAD: &str = "  ";

/// Text in ASCII, lower case.
pub(super) fn ascii(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            folded.extend(any_ascii_char(c).chars().map(|c| c.to_ascii_lowercase()));
        }
    }
    folded
}

/// The words of a folded text. An apostrophe is no end of a word: `O'Brien` is `obrien`.
pub(super) fn words(folded: &str) -> impl Iterator<Item = String> + '_ {
    folded
        .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '\'' | '`'))
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        .filter(|word| !word.is_empty())
}

/// A name as the index holds it.
pub(super) fn name_entry(name: &str) -> String {
    entry(words(&ascii(name)))
}

/// The words of a text: of a message, or of a name in a list's order.
pub(super) fn plain(name: &str) -> String {
    words(&ascii(name)).collect::<Vec<_>>().join(" ")
}

/// Phones in E.164 as the index holds them.
pub(super) fn phone_entry<'a>(phones: impl Iterator<Item = &'a str>) -> String {
    entry(phones.flat_map(forms))
}

fn entry(parts: impl Iterator<Item = String>) -> String {
    let mut entry = String::new();
    for part in parts {
        entry.push_str(PAD);
        entry.push_str(&part);
    }
    if !entry.is_empty() {
        entry.push_str(PAD);
    }
    entry
}

/// A number with its country code, without it, and as it is dialled inside its country.
fn forms(phone: &str) -> Vec<String> {
    let digits = crate::phone::digits(phone);
    let mut forms = Vec::with_capacity(3);
    // Country codes are prefix-free: at most one of these is one.
    let code = (1..=3)
        .filter_map(|length| digits.get(..length))
        .find_map(|code| Some((code, trunk_prefix(code.parse().ok()?)?)));
    if let Some((code, trunk)) = code
        && let national = &digits[code.len()..]
        && !national.is_empty()
    {
        forms.push(national.to_owned());
        // Where the trunk prefix equals the country code (1 in North America) the full number says it already.
        if !trunk.is_empty() && trunk != code {
            forms.push(format!("{trunk}{national}"));
        }
    }
    if !digits.is_empty() {
        forms.insert(0, digits);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R23: any accents, any script.
    #[test]
    fn names_fold_to_plain_words() {
        let folded = |name: &str| words(&ascii(name)).collect::<Vec<_>>().join(" ");
        assert_eq!(folded("Łukasz Sørensen-Weiß"), "lukasz sorensen weiss");
        assert_eq!(folded("Борис Ельцин"), "boris eltsin");
        assert_eq!(folded("Siobhán O’Brien"), "siobhan obrien");
        assert_eq!(folded("Jose\u{301} I\u{307}stanbul İzmir"), "jose istanbul izmir");
        assert_eq!(folded("  \t—  "), "");
        assert_eq!(name_entry("Ana Ng"), "  ana  ng  ");
        assert_eq!(name_entry(""), "");
    }

    /// R23: any phone format.
    #[test]
    fn numbers_have_the_forms_that_people_write() {
        assert_eq!(forms("+442079460958"), ["442079460958", "2079460958", "02079460958"]);
        assert_eq!(forms("+15550102030"), ["15550102030", "5550102030"]);
        assert_eq!(forms("+79161234567"), ["79161234567", "9161234567", "89161234567"]);
        assert_eq!(forms("+3612345678"), ["3612345678", "12345678", "0612345678"]);
        assert_eq!(forms(""), Vec::<String>::new());
        assert_eq!(phone_entry(["+15550102030"].into_iter()), "  15550102030  5550102030  ");
    }
}

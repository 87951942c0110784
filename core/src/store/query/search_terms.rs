//! What was typed into the search bar, as terms. Pure; nothing typed reaches the index's query language unquoted, since a
//! term holds lower-case letters and digits only.

use crate::store::fold::{self, PAD};

/// Terms that are looked for; more words make a search no narrower in practice.
const MAX_TERMS: usize = 8;
/// Characters of a term that are looked for.
const MAX_CHARS: usize = 48;
/// Bytes of what was typed that are read.
const MAX_TYPED: usize = 2048;
/// The index finds any part of a word from this length on.
const TRIGRAM: usize = 3;

/// Something that a contact must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A word of the name holds this; one shorter than three characters must begin with it.
    Word(String),
    /// As a word, but anywhere however short: one ideograph is two or three letters.
    Part(String),
    /// A phone holds these digits (one or two: begins or ends with them), or a form of it begins with one of `begins`, or the name has a word that begins so.
    Number {
        /// What was typed, as digits.
        digits: String,
        /// The same without what is dialled before a number: trunk zeros, `00`, `011`.
        begins: Vec<String>,
    },
}

/// Reads what was typed.
pub(super) fn parse(typed: &str) -> Vec<Term> {
    let typed = &typed[..typed.floor_char_boundary(MAX_TYPED)];
    let mut terms: Vec<Term> = Vec::new();
    // Parts of one number may stand apart: `(555) 010-2030`.
    let mut number = String::new();
    for token in typed.split_whitespace() {
        let folded = fold::ascii(token);
        if folded.contains(|c: char| c.is_ascii_alphabetic()) {
            terms.extend(number_term(&std::mem::take(&mut number)));
            terms.extend(fold::words(&folded).map(|word| word_term(word, token)));
        } else {
            number.push_str(&folded);
        }
    }
    terms.extend(number_term(&number));
    terms.dedup();
    terms.truncate(MAX_TERMS);
    terms
}

fn word_term(mut word: String, token: &str) -> Term {
    word.truncate(MAX_CHARS);
    if word.len() < TRIGRAM && !token.is_ascii() { Term::Part(word) } else { Term::Word(word) }
}

fn number_term(folded: &str) -> Option<Term> {
    // `+44 (0)20`: the zero in brackets is dialled from inside the country only.
    let mut digits = crate::phone::digits(&folded.replace("(0)", ""));
    if digits.is_empty() {
        digits = crate::phone::digits(folded);
    }
    digits.truncate(MAX_CHARS);
    if digits.is_empty() {
        return None;
    }
    let without_zeros = digits.trim_start_matches('0');
    let begins = [(without_zeros.len() < digits.len()).then_some(without_zeros), digits.strip_prefix("011")];
    let begins = begins.into_iter().flatten().filter(|rest| !rest.is_empty()).map(str::to_owned).collect();
    Some(Term::Number { digits, begins })
}

impl Term {
    /// The term in the index's query language; `None` if the index can't find it.
    pub(super) fn indexed(&self) -> Option<String> {
        match self {
            Term::Word(word) if word.len() >= TRIGRAM => Some(format!("names : \"{word}\"")),
            Term::Word(word) => Some(format!("names : \"{PAD}{word}\"")),
            Term::Number { digits, begins } => {
                let mut any = if digits.len() >= TRIGRAM {
                    vec![format!("names : \"{digits}\""), format!("phones : \"{digits}\"")]
                } else {
                    // One or two digits are somewhere in most numbers: those that begin or end so are meant.
                    vec![
                        format!("names : \"{PAD}{digits}\""),
                        format!("phones : \"{PAD}{digits}\""),
                        format!("phones : \"{digits}{PAD}\""),
                    ]
                };
                any.extend(begins.iter().map(|rest| format!("phones : \"{PAD}{rest}\"")));
                Some(format!("({})", any.join(" OR ")))
            }
            Term::Part(_) => None,
        }
    }

    /// The term as the beginning of a whole word or number, in the index's query language; `None` if the index can't find it.
    pub(super) fn indexed_beginning(&self) -> Option<String> {
        match self {
            Term::Word(word) => Some(format!("names : \"{PAD}{word}\"")),
            Term::Number { digits, begins } => {
                let mut any = vec![format!("names : \"{PAD}{digits}\""), format!("phones : \"{PAD}{digits}\"")];
                any.extend(begins.iter().map(|rest| format!("phones : \"{PAD}{rest}\"")));
                Some(format!("({})", any.join(" OR ")))
            }
            Term::Part(_) => None,
        }
    }

    /// What to look for in a contact's `names` where the index can't.
    pub(super) fn scanned(&self) -> Option<&str> {
        match self {
            Term::Part(part) => Some(part),
            Term::Word(_) | Term::Number { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str, begins: &[&str]) -> Term {
        Term::Number { digits: digits.into(), begins: begins.iter().map(|rest| (*rest).into()).collect() }
    }

    /// R23: any phone format is one number, wherever it is broken.
    #[test]
    fn a_number_is_read_in_any_format() {
        assert_eq!(parse("(555) 010-2030"), [number("5550102030", &[])]);
        assert_eq!(parse("+1 555.010.2030"), [number("15550102030", &[])]);
        assert_eq!(parse("020 7946"), [number("0207946", &["207946"])]);
        assert_eq!(parse("+44 (0)20 7946"), [number("44207946", &[])]);
        assert_eq!(parse("0044 20"), [number("004420", &["4420"])]);
        assert_eq!(parse("011 44 20"), [number("0114420", &["114420", "4420"])]);
        assert_eq!(parse("٥٥٥"), [number("555", &[])]);
        assert_eq!(parse("0"), [number("0", &[])]);
    }

    #[test]
    fn words_and_numbers_mix() {
        assert_eq!(
            parse("  Łukasz 555 010 o'b "),
            [Term::Word("lukasz".into()), number("555010", &[]), Term::Word("ob".into())]
        );
        assert_eq!(parse("李"), [Term::Part("li".into())]);
    }

    #[test]
    fn nothing_typed_can_break_out_of_a_term() {
        for typed in
            ["\"", "***", "a\" OR names : \"b", "NOT (x)", "{names}", "^a + -b", "👑", "\0", "a\0b", "' OR 1=1 --"]
        {
            for term in parse(typed) {
                for indexed in [term.indexed(), term.indexed_beginning()].into_iter().flatten() {
                    assert_eq!(indexed.matches('"').count() % 2, 0, "{typed}: {indexed}");
                    let quoted = indexed.split('"').skip(1).step_by(2);
                    assert!(quoted.flat_map(str::chars).all(|c| c == ' ' || c.is_ascii_alphanumeric()), "{indexed}");
                }
                assert!(term.scanned().unwrap_or_default().chars().all(|c| c.is_ascii_alphanumeric()));
            }
        }
        assert!(parse("").is_empty() && parse(" \"*\" ").is_empty());
        let long = parse(&"ä".repeat(10_000));
        assert_eq!(long, [Term::Word("a".repeat(MAX_CHARS))]);
        assert_eq!(parse(&"ab cd ".repeat(2_000)).len(), MAX_TERMS);
    }
}

//! Texts in columns: cutting and wrapping by the width that a terminal gives each character.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// On one line, cut to `width` columns with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.width() <= width {
        return text;
    }
    let (mut kept, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += columns_of(c);
        if used > width {
            break;
        }
        kept.push(c);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// As [`cut`], filled up with blanks to exactly `width` columns.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// On as many lines as it takes, none wider than `width`; words stay whole where they can.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let (mut line, mut used) = (String::new(), 0);
        for word in paragraph.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
            let wide = columns(word);
            if used > 0 && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            for c in word.chars() {
                let wide = columns_of(c);
                if used + wide > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line);
    }
    lines
}

/// Each character for itself: joined emoji may take less, never more.
fn columns(word: &str) -> usize {
    word.chars().map(columns_of).sum()
}

/// The selector of an emoji's form makes what stands before it wide.
fn columns_of(c: char) -> usize {
    if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_asked() {
        for text in [
            "a few short words",
            "日本語のとても長い文章です",
            "Donaudampfschifffahrtsgesellschaft",
            "👩‍👩‍👧 hello\n\nworld",
            "❤️❤️❤️ love",
            "\u{1b}[31mred",
        ] {
            for width in 2..20 {
                assert!(wrap(text, width).iter().all(|line| line.width() <= width), "{text} in {width}");
                assert_eq!(fit(text, width).width(), width, "{text} in {width}");
            }
        }
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("see you tomorrow", 9), ["see you", "tomorrow"]);
    }
}

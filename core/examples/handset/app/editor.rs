//! One line or more of text under a cursor.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Editor {
    text: String,
    /// In bytes, always between characters.
    cursor: usize,
}

impl Editor {
    pub(crate) fn with(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(crate) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    pub(crate) fn insert(&mut self, text: &str) {
        let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    pub(crate) fn backspace(&mut self) {
        let start = self.before();
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    pub(crate) fn delete(&mut self) {
        let end = self.behind();
        self.text.replace_range(self.cursor..end, "");
    }

    pub(crate) fn delete_word(&mut self) {
        let head = self.text[..self.cursor].trim_end();
        let start = head.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let start = if self.text.is_char_boundary(start) { start } else { 0 };
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    pub(crate) fn left(&mut self) {
        self.cursor = self.before();
    }

    pub(crate) fn right(&mut self) {
        self.cursor = self.behind();
    }

    pub(crate) fn home(&mut self) {
        self.cursor = self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1);
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text[self.cursor..].find('\n').map_or(self.text.len(), |at| self.cursor + at);
    }

    /// The place before the character that the cursor stands behind, with the marks that it carries.
    fn before(&self) -> usize {
        let mut at = self.cursor;
        for (start, c) in self.text[..self.cursor].char_indices().rev() {
            at = start;
            if c.width().unwrap_or(1) > 0 {
                break;
            }
        }
        at
    }

    fn behind(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let mut chars = rest.char_indices();
        chars.next();
        chars.find(|(_, c)| c.width().unwrap_or(1) > 0).map_or(self.text.len(), |(at, _)| self.cursor + at)
    }

    /// The lines as they are shown in `width` columns, and where the cursor then stands (column, line).
    pub(crate) fn laid_out(&self, width: usize) -> (Vec<String>, (usize, usize)) {
        let width = width.max(2);
        let (mut lines, mut place) = (vec![String::new()], (0, 0));
        for (at, c) in self.text.char_indices().chain([(self.text.len(), '\0')]) {
            let used = lines.last().map_or(0, |line| line.width());
            let wide = c.width().unwrap_or(0);
            if c != '\n' && used + wide.max(1) > width {
                lines.push(String::new());
            }
            if at == self.cursor {
                place = (lines.last().map_or(0, |line| line.width()), lines.len() - 1);
            }
            match c {
                '\0' => {}
                '\n' => lines.push(String::new()),
                c => {
                    if let Some(line) = lines.last_mut() {
                        line.push(c);
                    }
                }
            }
        }
        (lines, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_keep_the_cursor_in_its_place() {
        let mut editor = Editor::with("日本é");
        assert_eq!(editor.laid_out(10), (vec!["日本é".into()], (5, 0)));
        editor.left();
        editor.left();
        assert_eq!(editor.laid_out(10).1, (2, 0));
        editor.backspace();
        assert_eq!(editor.text(), "本é");
        editor.end();
        assert_eq!(editor.laid_out(2), (vec!["本".into(), "é".into()], (1, 1)));
    }

    #[test]
    fn words_are_deleted_whole() {
        let mut editor = Editor::with("see you tomorrow ");
        editor.delete_word();
        assert_eq!(editor.text(), "see you ");
    }
}

//! The log of texts: JSON lines, each synced to disk before anybody hears of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use super::Text;

pub(super) struct Log {
    file: File,
}

impl Log {
    /// Opens or creates a log and reads what it holds. A last line that was cut off was never answered for.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Text>)> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut texts = Vec::new();
        for line in BufReader::new(&file).lines() {
            if let Ok(text) = serde_json::from_str(&line?) {
                texts.push(text);
            }
        }
        Ok((Self { file }, texts))
    }

    pub(super) fn write(&mut self, text: &Text) -> io::Result<()> {
        let mut line = serde_json::to_vec(text)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }
}

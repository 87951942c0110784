//! What is on the disk: for each file what was synced, and what was written since; and what a power cut leaves of it.

use std::{collections::BTreeMap, fs, io, path::Path};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::disk::{Event, Inode};

/// How much a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: as if only the process had died.
    Nothing,
    /// Everything that was not synced.
    Unsynced,
    /// Any part of what was not synced, and the event under way is half done. Drawn from the seed.
    Torn {
        /// What decides.
        seed: u64,
    },
}

/// A power cut.
pub type Cut = Loss;

/// The files that are on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Image {
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Image {
    /// Writes the files into a folder, which should be empty.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        self.files.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    }
}

/// The least that a disk writes whole.
const SECTOR: usize = 512;

/// A change that may or may not have reached the platter.
#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate(size) => content.resize(*size, 0),
        }
    }

    /// A part of it: of a write, some of its sectors.
    fn torn(&self, rng: &mut impl Rng) -> Vec<Change> {
        let Change::Write(offset, bytes) = self else { return Vec::new() };
        let sectors = bytes.chunks(SECTOR).enumerate().filter(|_| rng.random());
        sectors.map(|(index, sector)| Change::Write(offset + index * SECTOR, sector.to_vec())).collect()
    }
}

#[derive(Clone, Debug)]
enum Naming {
    Put(String, Inode),
    Remove(String),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, Inode>) {
        match self {
            Naming::Put(name, inode) => drop(names.insert(name.clone(), *inode)),
            Naming::Remove(name) => drop(names.remove(name)),
        }
    }
}

#[derive(Debug, Default)]
struct File {
    durable: Vec<u8>,
    since: Vec<Change>,
}

/// A disk at one moment.
#[derive(Debug)]
pub(crate) struct Platter {
    names: BTreeMap<String, Inode>,
    /// In the order in which a journalling file system keeps them.
    renamed: Vec<Naming>,
    files: BTreeMap<Inode, File>,
    forgets: bool,
}

impl Platter {
    /// An empty disk; one that `forgets` keeps nothing of what it was told to sync.
    pub(crate) fn new(forgets: bool) -> Self {
        Self { names: BTreeMap::new(), renamed: Vec::new(), files: BTreeMap::new(), forgets }
    }

    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Create { name, inode, content } => {
                let file = self.files.entry(*inode).or_default();
                if !content.is_empty() {
                    file.since.push(Change::Write(0, content.clone()));
                }
                self.renamed.push(Naming::Put(name.clone(), *inode));
            }
            Event::Write { inode, offset, bytes } => self.change(*inode, Change::Write(*offset, bytes.clone())),
            Event::Truncate { inode, size } => self.change(*inode, Change::Truncate(*size)),
            Event::Sync { .. } if self.forgets => {}
            Event::Sync { inode, folder } => {
                let file = self.files.entry(*inode).or_default();
                for change in file.since.drain(..) {
                    change.apply(&mut file.durable);
                }
                if *folder {
                    self.sync_folder();
                }
            }
            Event::Delete { name, folder } => {
                self.renamed.push(Naming::Remove(name.clone()));
                if *folder && !self.forgets {
                    self.sync_folder();
                }
            }
            Event::Settled(files) => {
                self.renamed.clear();
                self.names = files.iter().map(|(name, inode, _)| (name.clone(), *inode)).collect();
                let settled = |(_, inode, content): &(String, Inode, Vec<u8>)| {
                    (*inode, File { durable: content.clone(), since: Vec::new() })
                };
                self.files.extend(files.iter().map(settled));
            }
        }
    }

    fn change(&mut self, inode: Inode, change: Change) {
        self.files.entry(inode).or_default().since.push(change);
    }

    fn sync_folder(&mut self) {
        for naming in self.renamed.drain(..) {
            naming.apply(&mut self.names);
        }
    }

    /// What is left when the power goes while `under_way` is being done.
    pub(crate) fn cut(&self, under_way: Option<&Event>, loss: Loss) -> Image {
        let mut names = self.names.clone();
        match loss {
            Loss::Nothing => self.renamed.iter().for_each(|naming| naming.apply(&mut names)),
            Loss::Unsynced => {}
            Loss::Torn { seed } => {
                let kept = ChaCha8Rng::seed_from_u64(seed ^ 0x6e61_6d65).random_range(0..=self.renamed.len());
                self.renamed.iter().take(kept).for_each(|naming| naming.apply(&mut names));
            }
        }
        let left = |(name, inode): (String, Inode)| Some((name, self.content(inode, under_way, loss)?));
        Image { files: names.into_iter().filter_map(left).collect() }
    }

    fn content(&self, inode: Inode, under_way: Option<&Event>, loss: Loss) -> Option<Vec<u8>> {
        let file = self.files.get(&inode)?;
        let mut content = file.durable.clone();
        match loss {
            Loss::Unsynced => {}
            Loss::Nothing => file.since.iter().for_each(|change| change.apply(&mut content)),
            Loss::Torn { seed } => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed ^ inode as u64);
                for change in &file.since {
                    match rng.random_range(0..4) {
                        0 => {}
                        1 => change.torn(&mut rng).iter().for_each(|part| part.apply(&mut content)),
                        _ => change.apply(&mut content),
                    }
                }
                if let Some(change) = under_way.and_then(|event| half(event, inode)) {
                    change.torn(&mut rng).iter().for_each(|part| part.apply(&mut content));
                }
            }
        }
        Some(content)
    }
}

fn half(event: &Event, of: Inode) -> Option<Change> {
    match event {
        Event::Write { inode, offset, bytes } if *inode == of => Some(Change::Write(*offset, bytes.clone())),
        _ => None,
    }
}

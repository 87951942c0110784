//! One watched folder: the record of what was written there, and the failure that is armed.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    platter::{Cut, Image, Platter},
    vfs,
};

/// A folder whose SQLite files are recorded and can fail. It is watched until this is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: Arc<Folder>,
}

/// How a call fails while the process lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This one call answers with an I/O error; of a write, the first half is done.
    Io,
    /// From this call on every write answers that the disk is full, until [`Disk::heal`]. Other calls fail once, with an
    /// I/O error: they need no room.
    Full,
}

/// What SQLite is made to believe it was told of `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// Never sync.
    Off,
    /// Sync at checkpoints only.
    Normal,
}

/// What kind of call a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointKind {
    /// Bytes are written.
    Write,
    /// A file is cut to a length.
    Truncate,
    /// What was written is made durable.
    Sync,
    /// A file is deleted.
    Delete,
}

/// A call at which something can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Which event of the record it is; later ones have higher numbers.
    pub event: usize,
    /// What is called.
    pub kind: PointKind,
    /// On which file.
    pub file: String,
}

/// A file's content, whatever its name is: its name may be deleted and given to another one.
pub(crate) type Inode = usize;

/// What happened on the disk.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A file came to be, with this content (none, if SQLite created it).
    Create {
        name: String,
        inode: Inode,
        content: Vec<u8>,
    },
    Write {
        inode: Inode,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: Inode,
        size: usize,
    },
    /// A file is synced, and the folder with it if it holds a new log or journal.
    Sync {
        inode: Inode,
        folder: bool,
    },
    Delete {
        name: String,
        folder: bool,
    },
    /// Everything is durable as it is here now: name, inode and content of every file.
    Settled(Vec<(String, Inode, Vec<u8>)>),
}

/// What the file system's functions see of a disk.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, Inode>,
    /// The name under which each inode was last opened, for people.
    called: Vec<String>,
    log: Vec<Event>,
    points: usize,
    armed: Option<(usize, Failure)>,
    full: bool,
    failed: usize,
    forgets: bool,
    lowered: Option<Synchronous>,
}

/// What a call shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    Broken,
    NoRoom,
}

impl Disk {
    /// Watches a folder. What is in it counts as durable.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn watch(folder: &Path) -> io::Result<Self> {
        let path = folder.canonicalize()?;
        let folder = Arc::new(Folder { path, state: Mutex::default() });
        let disk = Self { folder };
        disk.settle()?;
        vfs::watch(&disk.folder);
        Ok(disk)
    }

    /// How long the record is. Events from here on have this number or a higher one.
    pub fn now(&self) -> usize {
        self.folder.state().log.len()
    }

    /// Every point where something can go wrong, of the events in this range.
    pub fn points(&self, range: std::ops::Range<usize>) -> Vec<Point> {
        let state = self.folder.state();
        let named = |inode: Inode| state.called.get(inode).cloned().unwrap_or_default();
        let events = state.log.iter().enumerate().skip(range.start).take(range.len());
        let point = |(event, what): (usize, &Event)| {
            let (kind, file) = match what {
                Event::Write { inode, .. } => (PointKind::Write, named(*inode)),
                Event::Truncate { inode, .. } => (PointKind::Truncate, named(*inode)),
                Event::Sync { inode, .. } => (PointKind::Sync, named(*inode)),
                Event::Delete { name, .. } => (PointKind::Delete, name.clone()),
                Event::Create { .. } | Event::Settled(_) => return None,
            };
            Some(Point { event, kind, file })
        };
        events.filter_map(point).collect()
    }

    /// How many points were passed so far, which is where [`Disk::fail_at`] counts from.
    pub fn passed(&self) -> usize {
        self.folder.state().points
    }

    /// Lets the call at this point fail; the next one is at [`Disk::passed`].
    pub fn fail_at(&self, point: usize, failure: Failure) {
        self.folder.state().armed = Some((point, failure));
    }

    /// The disk works again, and nothing is armed. Returns how many calls failed since the last time.
    pub fn heal(&self) -> usize {
        let mut state = self.folder.state();
        (state.armed, state.full) = (None, false);
        std::mem::take(&mut state.failed)
    }

    /// From now on a sync says that it is done and does nothing, as cheap disks do: [`Disk::after_power_cut`] knows none.
    pub fn forget_syncs(&self) {
        self.folder.state().forgets = true;
    }

    /// Makes every `PRAGMA synchronous` of connections opened from now on mean this instead.
    pub fn lower_synchronous(&self, to: Synchronous) {
        self.folder.state().lowered = Some(to);
    }

    /// Takes over the folder's present state as durable: for files that were handled past SQLite.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn settle(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !name.ends_with("-shm") {
                files.push((name, fs::read(entry.path())?));
            }
        }
        let mut state = self.folder.state();
        state.names.clear();
        let mut settled = Vec::new();
        for (name, content) in files {
            let inode = state.inode(&name);
            state.names.insert(name.clone(), inode);
            settled.push((name, inode, content));
        }
        state.log.push(Event::Settled(settled));
        Ok(())
    }

    /// The disk as a power cut leaves it right before an event of the record is done (or while it is half done).
    pub fn after_power_cut(&self, event: usize, cut: Cut) -> Image {
        let mut platter = Platter::new(self.folder.state().forgets);
        self.play(&mut platter, 0..event);
        self.cut(&platter, event, cut)
    }

    /// The disks that power cuts before each of these events leave, in one pass. The events must be in order.
    pub fn after_power_cuts(&self, events: &[usize], mut each: impl FnMut(usize, &dyn Fn(Cut) -> Image)) {
        let mut platter = Platter::new(self.folder.state().forgets);
        let mut played = 0;
        for event in events {
            self.play(&mut platter, played..*event);
            played = *event;
            each(*event, &|cut| self.cut(&platter, *event, cut));
        }
    }

    fn play(&self, platter: &mut Platter, range: std::ops::Range<usize>) {
        let state = self.folder.state();
        state.log.iter().skip(range.start).take(range.len()).for_each(|event| platter.take(event));
    }

    fn cut(&self, platter: &Platter, event: usize, cut: Cut) -> Image {
        platter.cut(self.folder.state().log.get(event), cut)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        vfs::unwatch(&self.folder);
    }
}

impl State {
    fn inode(&mut self, name: &str) -> Inode {
        self.called.push(name.to_owned());
        self.called.len() - 1
    }

    /// Passes a point.
    fn fate(&mut self, write: bool) -> Fate {
        let point = self.points;
        self.points += 1;
        let fate = match self.armed {
            Some((at, Failure::Io)) if at == point => Fate::Broken,
            Some((at, Failure::Full)) if at == point => {
                self.full = true;
                if write { Fate::NoRoom } else { Fate::Broken }
            }
            _ if write && self.full => Fate::NoRoom,
            _ => Fate::Fine,
        };
        self.failed += usize::from(fate != Fate::Fine);
        fate
    }
}

impl Folder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of a file directly in this folder.
    pub(crate) fn name(&self, path: &Path) -> Option<String> {
        let inside = path.parent() == Some(&self.path);
        inside.then(|| path.file_name().map(|name| name.to_string_lossy().into_owned())).flatten()
    }

    /// SQLite has opened a file; if the record doesn't know it, it was created just now, or by somebody else before.
    pub(crate) fn opened(&self, name: &str) -> Inode {
        let mut state = self.state();
        if let Some(inode) = state.names.get(name) {
            return *inode;
        }
        let content = fs::read(self.path.join(name)).unwrap_or_default();
        let inode = state.inode(name);
        state.names.insert(name.to_owned(), inode);
        state.log.push(Event::Create { name: name.to_owned(), inode, content });
        inode
    }

    /// Asks what shall become of a write, of so many bytes; what is done of it is recorded.
    pub(crate) fn write(&self, inode: Inode, offset: usize, bytes: &[u8]) -> Fate {
        let mut state = self.state();
        let fate = state.fate(true);
        let done = match fate {
            Fate::Fine => bytes,
            Fate::Broken => &bytes[..bytes.len() / 2],
            Fate::NoRoom => &[],
        };
        if !done.is_empty() {
            state.log.push(Event::Write { inode, offset, bytes: done.to_vec() });
        }
        fate
    }

    pub(crate) fn truncate(&self, inode: Inode, size: usize) -> Fate {
        let mut state = self.state();
        let fate = state.fate(false);
        if fate == Fate::Fine {
            state.log.push(Event::Truncate { inode, size });
        }
        fate
    }

    pub(crate) fn sync(&self, inode: Inode, folder: bool) -> Fate {
        let mut state = self.state();
        let fate = state.fate(false);
        if fate == Fate::Fine {
            state.log.push(Event::Sync { inode, folder });
        }
        fate
    }

    pub(crate) fn delete(&self, name: &str, folder: bool) -> Fate {
        let mut state = self.state();
        let fate = state.fate(false);
        if fate == Fate::Fine && state.names.remove(name).is_some() {
            state.log.push(Event::Delete { name: name.to_owned(), folder });
        }
        fate
    }

    pub(crate) fn lowered(&self) -> Option<Synchronous> {
        self.state().lowered
    }
}

//! The SQLite file system: a table of C functions, each of which asks the watched folder, if the file is in one, and then
//! hands the call on to the file system that was the default before. This is the only unsafe code of the repository.
//!
//! An open file is our [`File`] with the real file right behind it, in one piece of memory that SQLite provides and whose
//! size it learns from [`ffi::sqlite3_vfs::szOsFile`]. SQLite calls these functions with pointers that are valid for the
//! call, only with files that [`open`] opened, never for one file from two threads at once, and not after [`close`]; the
//! `SAFETY` comments call that *SQLite's contract*.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    path::Path,
    ptr,
    sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError, Weak},
};

use rusqlite::ffi;

use crate::disk::{Fate, Folder, Inode, Synchronous};

static FOLDERS: Mutex<Vec<Weak<Folder>>> = Mutex::new(Vec::new());
static REAL: OnceLock<Real> = OnceLock::new();

fn folders() -> MutexGuard<'static, Vec<Weak<Folder>>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn watch(folder: &Arc<Folder>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    folders().push(Arc::downgrade(folder));
}

pub(crate) fn unwatch(folder: &Arc<Folder>) {
    folders().retain(|known| !ptr::eq(known.as_ptr(), Arc::as_ptr(folder)));
}

/// The folder that watches a file, and the file's name there.
fn watching(path: &Path) -> Option<(Arc<Folder>, String)> {
    folders().iter().filter_map(Weak::upgrade).find_map(|folder| folder.name(path).map(|name| (folder, name)))
}

/// The file system that does the work.
struct Real(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's own file system is never unregistered and may be used from any thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

fn real_vfs() -> *mut ffi::sqlite3_vfs {
    REAL.get().map_or(ptr::null_mut(), |real| real.0)
}

/// An open file; the real one follows it in memory.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Null if no folder watches it; else from [`Box::into_raw`], taken back by [`close`].
    watched: *mut Watched,
}

struct Watched {
    folder: Arc<Folder>,
    inode: Inode,
    /// The folder is synced with the first sync of this file, as SQLite's Unix file system does it.
    sync_folder: bool,
}

fn register() {
    // SAFETY: SQLite initialises itself in this call if need be; the answer is null or a file system that stays.
    let real = unsafe {
        ffi::sqlite3_initialize();
        ffi::sqlite3_vfs_find(ptr::null())
    };
    // SAFETY: checked by `as_ref`; the struct is only read.
    let Some(known) = (unsafe { real.as_ref() }) else { return };
    let size = known.szOsFile + c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX / 2);
    let ours = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: size,
        mxPathname: known.mxPathname,
        pNext: ptr::null_mut(),
        zName: c"faulty".as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_int64),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    let _ = REAL.set(Real(real));
    // SAFETY: the struct is leaked, so that it stays for as long as SQLite may use it; every function in it has the type
    // that SQLite expects.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 1) };
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Version 2: without memory-mapped reads, which SQLite does not use unless told to.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The real file behind ours.
///
/// # Safety
/// `file` points to memory of the size that [`register`] told SQLite.
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: within that memory. `File` is two pointers long, so the real file is aligned as SQLite's memory is.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Who watches an open file.
///
/// # Safety
/// `file` was opened by [`open`], and nobody else uses it during the lifetime, which ends with the call.
unsafe fn watched<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a mut Watched> {
    // SAFETY: by this function's own terms; the pointer is null or from `Box::into_raw`.
    unsafe { (*file.cast::<File>()).watched.as_mut() }
}

/// Hands a call on to the real file system; its answer if it has no such function is the first argument.
macro_rules! hand_on {
    ($missing:expr, $vfs:ident . $function:ident ( $($argument:expr),* )) => {{
        let $vfs = real_vfs();
        // SAFETY: `real_vfs` is valid once ours is registered; the arguments are SQLite's, handed on as they came.
        unsafe { (*$vfs).$function.map_or($missing, |function| function($vfs, $($argument),*)) }
    }};
}

/// Hands a call on to the real file; its answer if it has no such function is the first argument.
macro_rules! hand_on_file {
    ($missing:expr, $file:ident . $function:ident ( $($argument:expr),* )) => {{
        // SAFETY: SQLite's contract: `file` is open, so the real file behind it is too, and its methods are set; the
        // arguments are SQLite's, handed on as they came.
        unsafe {
            let real = behind($file);
            (*(*real).pMethods).$function.map_or($missing, |function| function(real, $($argument),*))
        }
    }};
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let ours = file.cast::<File>();
    // SAFETY: SQLite's contract: memory of our size, not yet initialised, for us to write. Without methods a file counts as
    // not open, which is what a failed open leaves behind.
    let real = unsafe {
        ptr::write(ours, File { base: ffi::sqlite3_file { pMethods: ptr::null() }, watched: ptr::null_mut() });
        let real = behind(file);
        ptr::write(real, ffi::sqlite3_file { pMethods: ptr::null() });
        real
    };
    let opened = hand_on!(ffi::SQLITE_CANTOPEN, vfs.xOpen(name, real, flags, out_flags));
    if opened != ffi::SQLITE_OK {
        return opened;
    }
    // SAFETY: SQLite's contract: the name is null (a temporary file) or a C string.
    let path = unsafe { name.as_ref().map(|name| CStr::from_ptr(name)) }.and_then(|name| name.to_str().ok());
    let watch = path.and_then(|path| watching(Path::new(path))).map(|(folder, name)| {
        let new_log = flags & ffi::SQLITE_OPEN_CREATE != 0
            && flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL) != 0;
        let inode = folder.opened(&name);
        Box::into_raw(Box::new(Watched { folder, inode, sync_folder: new_log }))
    });
    // SAFETY: written above.
    unsafe {
        (*ours).watched = watch.unwrap_or(ptr::null_mut());
        (*ours).base.pMethods = &raw const METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite's contract: a C string.
    let path = unsafe { CStr::from_ptr(name) };
    if let Some((folder, name)) = path.to_str().ok().and_then(|path| watching(Path::new(path)))
        && folder.delete(&name, sync_folder != 0) != Fate::Fine
    {
        return ffi::SQLITE_IOERR_DELETE;
    }
    hand_on!(ffi::SQLITE_IOERR_DELETE, vfs.xDelete(name, 0))
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, answer: *mut c_int) -> c_int {
    hand_on!(ffi::SQLITE_IOERR_ACCESS, vfs.xAccess(name, flags, answer))
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    hand_on!(ffi::SQLITE_CANTOPEN, vfs.xFullPathname(name, size, out))
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, size: c_int, out: *mut c_char) -> c_int {
    hand_on!(0, vfs.xRandomness(size, out))
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    hand_on!(0, vfs.xSleep(micros))
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    hand_on!(ffi::SQLITE_ERROR, vfs.xCurrentTime(out))
}

unsafe extern "C" fn current_time_int64(_: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    hand_on!(ffi::SQLITE_ERROR, vfs.xCurrentTimeInt64(out))
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, size: c_int, out: *mut c_char) -> c_int {
    hand_on!(0, vfs.xGetLastError(size, out))
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let closed = hand_on_file!(ffi::SQLITE_OK, file.xClose());
    // SAFETY: SQLite's contract: the file is ours and not used after this. What watches it came from `Box::into_raw` and is
    // taken back once, since the pointer is cleared.
    unsafe {
        let ours = &mut *file.cast::<File>();
        let watched = std::mem::replace(&mut ours.watched, ptr::null_mut());
        if !watched.is_null() {
            drop(Box::from_raw(watched));
        }
    }
    closed
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, buffer: *mut c_void, size: c_int, offset: i64) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_READ, file.xRead(buffer, size, offset))
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, buffer: *const c_void, size: c_int, offset: i64) -> c_int {
    let length = usize::try_from(size).unwrap_or_default();
    // SAFETY: SQLite's contract: an open file, and a buffer of that size.
    let (watched, bytes) = unsafe { (watched(file), std::slice::from_raw_parts(buffer.cast::<u8>(), length)) };
    let fate = watched.map_or(Fate::Fine, |watched| {
        watched.folder.write(watched.inode, usize::try_from(offset).unwrap_or_default(), bytes)
    });
    match fate {
        Fate::Fine => hand_on_file!(ffi::SQLITE_IOERR_WRITE, file.xWrite(buffer, size, offset)),
        Fate::Broken => {
            let _ = hand_on_file!(ffi::SQLITE_IOERR_WRITE, file.xWrite(buffer, size / 2, offset));
            ffi::SQLITE_IOERR_WRITE
        }
        Fate::NoRoom => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite's contract: an open file.
    let watched = unsafe { watched(file) };
    let length = usize::try_from(size).unwrap_or_default();
    if watched.is_some_and(|watched| watched.folder.truncate(watched.inode, length) != Fate::Fine) {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    hand_on_file!(ffi::SQLITE_IOERR_TRUNCATE, file.xTruncate(size))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite's contract: an open file.
    let Some(watched) = (unsafe { watched(file) }) else {
        return hand_on_file!(ffi::SQLITE_IOERR_FSYNC, file.xSync(flags));
    };
    // The record is what counts here; waiting for the real disk would only cost time.
    match watched.folder.sync(watched.inode, watched.sync_folder) {
        Fate::Fine => {
            watched.sync_folder = false;
            ffi::SQLITE_OK
        }
        Fate::Broken | Fate::NoRoom => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_FSTAT, file.xFileSize(out))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_LOCK, file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_UNLOCK, file.xUnlock(level))
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, file.xCheckReservedLock(out))
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    if operation == ffi::SQLITE_FCNTL_PRAGMA {
        // SAFETY: SQLite's contract: an open file.
        let lowered = unsafe { watched(file) }.and_then(|watched| watched.folder.lowered());
        if let Some(to) = lowered {
            // SAFETY: SQLite's contract for this operation.
            unsafe { lower(argument.cast(), to) };
        }
    }
    hand_on_file!(ffi::SQLITE_NOTFOUND, file.xFileControl(operation, argument))
}

/// Rewrites the value of a `PRAGMA synchronous`, which SQLite is about to carry out.
///
/// # Safety
/// `words` are a pragma's as SQLite hands them to a file: an answer to fill in, its name, and its value, which is null or a
/// string of SQLite's own that it reads afterwards and that is no constant.
unsafe fn lower(words: *mut *mut c_char, to: Synchronous) {
    // SAFETY: by this function's own terms. One digit and its end fit where any value of one character or more stands.
    unsafe {
        let (name, value) = (*words.add(1), *words.add(2));
        if CStr::from_ptr(name).to_bytes().eq_ignore_ascii_case(b"synchronous") && !value.is_null() && *value != 0 {
            let digit = match to {
                Synchronous::Off => b'0',
                Synchronous::Normal => b'1',
            };
            *value = digit.cast_signed() as c_char;
            *value.add(1) = 0;
        }
    }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    hand_on_file!(4096, file.xSectorSize())
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    hand_on_file!(0, file.xDeviceCharacteristics())
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_SHMMAP, file.xShmMap(page, size, extend, out))
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_SHMLOCK, file.xShmLock(offset, count, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    hand_on_file!((), file.xShmBarrier())
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    hand_on_file!(ffi::SQLITE_IOERR_SHMMAP, file.xShmUnmap(delete))
}

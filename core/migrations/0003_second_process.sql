-- Two processes on one database: the app, and a notification extension that only pulls (ADR 0022).

-- Which of them syncs right now, and until when that is believed without hearing of it again.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    holder BLOB NOT NULL,                   -- drawn anew for each holding; empty: nobody
    app INTEGER NOT NULL,                   -- 1: it is the app
    until INTEGER NOT NULL,
    pulled INTEGER NOT NULL                 -- counts what a puller has written: the app looks whether it moved
) STRICT;
INSERT INTO hold (id, holder, app, until, pulled) VALUES (1, x'', 0, 0, 0);

-- Pages that a puller received and the app has not applied, in order.
CREATE TABLE staged_pages (
    page INTEGER PRIMARY KEY AUTOINCREMENT,
    came_from BLOB NOT NULL,                -- MessagePack of protocol::Cursor: where the device was before the page
    leads_to BLOB NOT NULL,                 -- and where it is once it has applied it
    received INTEGER NOT NULL
) STRICT;

-- Frame by frame, so that what is of a document can be taken out when the document is to go (R9).
CREATE TABLE staged_frames (
    page INTEGER NOT NULL REFERENCES staged_pages (page) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    document BLOB,
    body BLOB NOT NULL,                     -- MessagePack of protocol::Response
    PRIMARY KEY (page, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX staged_frames_of_document ON staged_frames (document) WHERE document IS NOT NULL;

-- Alerts that were handed out to be shown by the system, so that no other process hands them out again.
CREATE TABLE handed_out (
    alert BLOB PRIMARY KEY,
    state INTEGER NOT NULL,                 -- 0: handed out, 1: shown, 2: taken back
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The device's database. One writer; times are milliseconds since the epoch; ids are 16 bytes.
-- What derives from documents and facts is not here but in readmodel.sql.

CREATE TABLE device (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    identity BLOB,                          -- MessagePack of sync::storage::Identity
    state BLOB                              -- MessagePack of sync::storage::SyncState
) STRICT;
INSERT INTO device (id) VALUES (1);

-- Which read model stands in this file. `complete` is 0 while it waits to be projected anew from the documents.
CREATE TABLE read_model (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    clean INTEGER NOT NULL                  -- 1: nothing was written since the database was last closed in order
) STRICT;
INSERT INTO read_model (id, version, complete, clean) VALUES (1, 0, 0, 0);

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,                 -- everything about the document refers to it and goes with it
    document BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    visibility INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,             -- 0: only this device knows it
    actor BLOB,
    digest INTEGER NOT NULL DEFAULT 0,
    projected INTEGER NOT NULL DEFAULT 0    -- 1: the read model has a row of it
) STRICT;
CREATE INDEX documents_by_kind ON documents (kind, document);
CREATE INDEX documents_projected ON documents (kind) WHERE projected = 1;

-- Apart from `documents`, so that what walks over all of them doesn't read through their bytes.
CREATE TABLE snapshots (
    document INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    bytes BLOB NOT NULL                     -- saved document; empty: genesis only
) STRICT;

-- Confirmed changes since the snapshot.
CREATE TABLE changes (
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (document, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    about INTEGER NOT NULL,                 -- 1: a message, 2: an alert
    subject BLOB NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,                     -- MessagePack of protocol::FactBody
    PRIMARY KEY (document, about, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_of_alerts ON facts (subject) WHERE about = 2;

-- Not tied to `documents`: an intent outlives the loss of its document (R9).
CREATE TABLE intents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    intent BLOB NOT NULL UNIQUE,
    document BLOB NOT NULL,
    state INTEGER NOT NULL,                 -- 0: pending, 1: in flight, 2: waiting, 3: accepted, 4: needs attention
    created INTEGER NOT NULL,
    body BLOB NOT NULL                      -- MessagePack of sync::storage::IntentRecord
) STRICT;
CREATE INDEX intents_of_document ON intents (document, state);
CREATE INDEX intents_by_state ON intents (state, created);

-- Not tied to `documents` either: a member's registers may arrive before the document.
CREATE TABLE registers (
    kind INTEGER NOT NULL,                  -- 1: read mark, 2: marked unread, 3: draft, 4: dismissed alert
    subject BLOB NOT NULL,                  -- the document or alert
    content BLOB NOT NULL,                  -- MessagePack of protocol::RegisterContent
    version INTEGER NOT NULL,
    stored_version INTEGER NOT NULL,
    send_after INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX registers_to_push ON registers (kind, subject) WHERE stored_version < version;

-- The relay's database. One writer; times are milliseconds since the epoch; ids are 16 bytes.

CREATE TABLE relay (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,                 -- a new one with every restored backup
    recovering INTEGER NOT NULL DEFAULT 0,  -- 1 after a restore: nothing is dispatched until an administrator confirms
    backup_at INTEGER                       -- when the restored backup was taken
) STRICT;
INSERT INTO relay (id, epoch) VALUES (1, 1);

CREATE TABLE workspaces (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    directory BLOB NOT NULL,
    settings BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- Projection of the settings document: which workspace an inbound SMS belongs to.
CREATE TABLE numbers (
    number TEXT PRIMARY KEY,
    workspace BLOB NOT NULL
) STRICT;

-- Projection of the directory document: access as resolved by policy. scope_seq is the log position at which it last changed.
CREATE TABLE members (
    workspace BLOB NOT NULL,
    id BLOB NOT NULL,
    active INTEGER NOT NULL,
    administrator INTEGER NOT NULL,
    dashboard TEXT NOT NULL,
    contacts TEXT NOT NULL,
    messages TEXT NOT NULL,
    scope_seq INTEGER NOT NULL,
    PRIMARY KEY (workspace, id)
) STRICT;

CREATE TABLE devices (
    id BLOB PRIMARY KEY,
    workspace BLOB NOT NULL,
    member BLOB NOT NULL,
    name TEXT NOT NULL,
    credential_hash BLOB NOT NULL UNIQUE,
    incarnation INTEGER NOT NULL,
    push_number INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
CREATE INDEX devices_of_member ON devices (workspace, member);

CREATE TABLE enrolment_codes (
    hash BLOB PRIMARY KEY,
    workspace BLOB NOT NULL,
    member BLOB NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT;

CREATE TABLE documents (
    id BLOB PRIMARY KEY,
    workspace BLOB NOT NULL,
    kind INTEGER NOT NULL,
    created_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    public_seq INTEGER,                     -- since when members with dashboard access `all` see it
    snapshot BLOB NOT NULL,                 -- saved document, uncompressed; empty: genesis only
    snapshot_seq INTEGER NOT NULL,
    heads BLOB NOT NULL,                    -- hashes of its heads, sorted, 32 bytes each
    moved_to BLOB,
    -- projection of a conversation
    conversation BLOB,
    contact BLOB,
    channel TEXT,
    peer TEXT,                              -- the contact's phone that messages go to
    closed INTEGER NOT NULL DEFAULT 0,
    last_activity INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX documents_by_seq ON documents (workspace, last_seq);
CREATE INDEX documents_by_contact ON documents (contact) WHERE contact IS NOT NULL;
CREATE INDEX documents_by_conversation ON documents (conversation) WHERE conversation IS NOT NULL;

CREATE TABLE changes (
    document BLOB NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    device BLOB,
    intent BLOB NOT NULL,
    PRIMARY KEY (document, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX changes_by_hash ON changes (document, hash);

CREATE TABLE facts (
    document BLOB NOT NULL,
    key BLOB NOT NULL,
    seq INTEGER NOT NULL,
    member BLOB,                            -- the only member who sees it; NULL: all who see the document
    body BLOB NOT NULL,
    PRIMARY KEY (document, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_by_seq ON facts (document, seq);

CREATE TABLE verdicts (
    document BLOB NOT NULL,
    hash BLOB NOT NULL,
    device BLOB NOT NULL,
    intent BLOB NOT NULL,
    verdict BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (document, hash)
) STRICT, WITHOUT ROWID;

-- An intent is consumed by acceptance alone, once per document.
CREATE TABLE intents (
    intent BLOB NOT NULL,
    document BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (intent, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE actors (
    document BLOB NOT NULL,
    actor BLOB NOT NULL,
    device BLOB,                            -- NULL: the relay itself
    seq INTEGER NOT NULL,                   -- the last accepted
    hash BLOB NOT NULL,                     -- of that change
    PRIMARY KEY (document, actor)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_phones (
    workspace BLOB NOT NULL,
    phone TEXT NOT NULL,
    contact BLOB NOT NULL,
    PRIMARY KEY (workspace, phone)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation_keys (
    workspace BLOB NOT NULL,
    channel TEXT NOT NULL,
    contact BLOB NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (workspace, channel, contact)
) STRICT, WITHOUT ROWID;

-- Personal grants. Source 1: by assignment (a conversation to its assignees, and its contact with it); source 2: by
-- record (a contact to its owner and those it is shared with). Whether a grant opens the document depends on the member's
-- role too, which is checked when it is read.
CREATE TABLE grants (
    member BLOB NOT NULL,
    document BLOB NOT NULL,
    source INTEGER NOT NULL CHECK (source IN (1, 2)),
    granted_seq INTEGER NOT NULL,
    revoked_seq INTEGER NOT NULL DEFAULT 0, -- the last time that it was taken, even if it came back
    active INTEGER NOT NULL,
    PRIMARY KEY (member, document, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_granted ON grants (member, granted_seq);
CREATE INDEX grants_revoked ON grants (member, revoked_seq);
CREATE INDEX grants_of_document ON grants (document, source);

-- Documents that a device opened through a contact's record (R7), which it goes on receiving.
CREATE TABLE fetched (
    device BLOB NOT NULL,
    document BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE registers (
    member BLOB NOT NULL,
    key BLOB NOT NULL,
    seq INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (member, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX registers_by_seq ON registers (member, seq);

-- A catch-up that is larger than a page: its documents in the order frozen when it began.
CREATE TABLE backfills (
    device BLOB NOT NULL,
    backfill INTEGER NOT NULL,
    position INTEGER NOT NULL,
    document BLOB NOT NULL,
    from_seq INTEGER NOT NULL,              -- 0: a snapshot; else what came after
    PRIMARY KEY (device, backfill, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfills_by_document ON backfills (device, document);

-- The dispatch ledger (R31, R32). A row a message; `dispatching` is durable before the provider is called.
CREATE TABLE ledger (
    message BLOB PRIMARY KEY,
    workspace BLOB NOT NULL,
    document BLOB NOT NULL,
    author BLOB,
    position INTEGER NOT NULL,              -- the message's order: dispatch keeps it within a conversation
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'dropped', 'queued', 'dispatching', 'handed_over', 'sent', 'delivered', 'failed', 'unknown')),
    held_since INTEGER,
    held_because BLOB,                      -- MessagePack of protocol::HeldBecause
    attempt BLOB,
    attempted_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER NOT NULL DEFAULT 0,
    provider_id TEXT UNIQUE,
    reason TEXT,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_due ON ledger (state, retry_at, position);
CREATE INDEX ledger_of_document ON ledger (document, position);
CREATE INDEX ledger_held ON ledger (document, position) WHERE state = 'held';
CREATE INDEX ledger_open ON ledger (document, position) WHERE state IN ('queued', 'dispatching');

-- Inbound provider messages seen: a webhook that is delivered twice counts once.
CREATE TABLE inbound (
    workspace BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    message BLOB NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (workspace, provider_id)
) STRICT, WITHOUT ROWID;

-- Rejected bytes, capped, for an administrator to inspect.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace BLOB NOT NULL,
    device BLOB NOT NULL,
    intent BLOB NOT NULL,
    document BLOB NOT NULL,
    code TEXT NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Administrative acts (R40).
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace BLOB,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL
) STRICT;

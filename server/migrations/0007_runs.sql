-- What automations are to do about events, and what they did: a row for each automation of an event.
CREATE TABLE runs (
    workspace BLOB NOT NULL,
    event TEXT NOT NULL,
    automation BLOB NOT NULL,
    -- Whom it concerns, in E.164.
    phone TEXT NOT NULL,
    received INTEGER NOT NULL,
    due INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'left_alone')),
    -- What the event brings, while it waits.
    brings BLOB,
    document BLOB,
    message BLOB,
    -- Why the contact was left alone.
    because TEXT,
    PRIMARY KEY (workspace, event, automation),
    FOREIGN KEY (workspace, event) REFERENCES events (workspace, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_due ON runs (due) WHERE state = 'waiting';
CREATE INDEX runs_received ON runs (workspace, received);

-- What other systems sign their events with; NULL: none may come.
ALTER TABLE workspaces ADD COLUMN event_secret TEXT;
-- Events that automations acted upon, with what came of each: a second one of the same id changes nothing.
CREATE TABLE events (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    id TEXT NOT NULL,
    received INTEGER NOT NULL,
    handled BLOB NOT NULL,
    PRIMARY KEY (workspace, id)
) STRICT, WITHOUT ROWID;

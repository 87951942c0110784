-- Saved documents have a table of their own: the row of a document is written several times with each acceptance, and with
-- kilobytes in it each of these wrote them all again. No row: genesis only.
CREATE TABLE snapshots (
    document BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,                   -- holds the changes up to this place of the log
    saved BLOB NOT NULL                     -- uncompressed
) STRICT;
INSERT INTO snapshots (document, seq, saved) SELECT id, snapshot_seq, snapshot FROM documents WHERE length(snapshot) > 0;
ALTER TABLE documents DROP COLUMN snapshot;
ALTER TABLE documents DROP COLUMN snapshot_seq;

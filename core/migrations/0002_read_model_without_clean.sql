-- Whether the database was closed in order no longer says how much of the read model is looked at when it opens.
-- Made anew rather than altered: ALTER TABLE would read every trigger, and fail where the read model is damaged, which is
-- only found out after this.

CREATE TABLE found AS SELECT id, version, complete FROM read_model;
DROP TABLE read_model;

-- Which read model stands in this file. `complete` is 0 while it waits to be projected anew from the documents.
CREATE TABLE read_model (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    complete INTEGER NOT NULL
) STRICT;
INSERT INTO read_model (id, version, complete) SELECT id, version, complete FROM found;
DROP TABLE found;

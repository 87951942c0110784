-- The read model: what lists, counts and the search read. It derives from documents, facts and registers; when this file
-- or the projection changes, raise `read_model::VERSION`: the tables are dropped, made anew and filled from the documents.
-- Ids of rows are those of `documents`.

CREATE TABLE conversation_rows (
    id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    document BLOB NOT NULL,
    conversation BLOB NOT NULL,
    contact BLOB NOT NULL,
    channel TEXT NOT NULL,
    visibility INTEGER NOT NULL,
    -- 1: on the dashboard, every list and count asks for that; 2: would be, but its contact is blocked as spam; 0: neither
    dashboard INTEGER NOT NULL,
    open INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    needs_reply INTEGER NOT NULL,
    assigned INTEGER NOT NULL,              -- how many members are
    held INTEGER NOT NULL,                  -- this member's replies that wait for a decision
    waits INTEGER NOT NULL,                 -- those, and the ones that wait for their time
    last_activity INTEGER NOT NULL,
    origins INTEGER NOT NULL,               -- bits: 1 direct, 2 campaign, 4 cart recovery
    labels BLOB NOT NULL,                   -- MessagePack of assignees and tags, to see that they are unchanged
    alerts INTEGER NOT NULL,                -- how many stand
    snoozed_until INTEGER NOT NULL,         -- 0: it does not rest
    priority INTEGER NOT NULL,              -- 0 low to 3 urgent
    queue BLOB,
    texts INTEGER NOT NULL,                 -- whether its messages are in message_texts as they stand
    reminds_at INTEGER,                     -- the first time that something comes due and was not dealt with, if one is known
    waits_since INTEGER,                    -- since when the contact waits for a reply; overdue is for the settings to say
    body BLOB NOT NULL                      -- MessagePack of triage::ConversationRow
) STRICT;
-- There are three origins, each in many rows: they are looked at in the index that is walked anyway, where a table of
-- them would be read as a whole.
-- The queries name the index that they walk (query/inbox.rs): with flags alone the planner can't know which is short.
CREATE INDEX conversations_by_activity ON conversation_rows (last_activity DESC, document, origins) WHERE dashboard = 1;
CREATE INDEX conversations_by_status ON conversation_rows (open, last_activity DESC, document, origins) WHERE dashboard = 1;
CREATE INDEX conversations_unread ON conversation_rows (last_activity DESC, document, open) WHERE dashboard = 1 AND unread = 1;
CREATE INDEX conversations_to_answer ON conversation_rows (last_activity DESC, document, open) WHERE dashboard = 1 AND needs_reply = 1;
CREATE INDEX conversations_of_nobody ON conversation_rows (last_activity DESC, document, open) WHERE dashboard = 1 AND assigned = 0;
CREATE INDEX conversations_of_contact ON conversation_rows (contact, dashboard, last_activity DESC, document);
CREATE INDEX conversations_blocked ON conversation_rows (last_activity DESC, document) WHERE dashboard = 2;
CREATE INDEX conversations_of_queue ON conversation_rows (queue, last_activity DESC, document, open) WHERE dashboard = 1 AND queue IS NOT NULL;
CREATE INDEX conversations_by_priority ON conversation_rows (priority, last_activity DESC, document, open) WHERE dashboard = 1 AND priority <> 1;
CREATE INDEX conversations_resting ON conversation_rows (last_activity DESC, document, open, snoozed_until) WHERE dashboard = 1 AND snoozed_until > 0;
CREATE INDEX conversations_resting_until ON conversation_rows (open, snoozed_until) WHERE dashboard = 1 AND snoozed_until > 0;
CREATE INDEX conversations_to_read ON conversation_rows (last_activity DESC, id) WHERE texts = 0;
CREATE INDEX conversations_waiting ON conversation_rows (document, held) WHERE waits > 0;
CREATE INDEX conversations_reminding ON conversation_rows (reminds_at) WHERE dashboard = 1 AND reminds_at IS NOT NULL;
CREATE INDEX conversations_kept_waiting ON conversation_rows (waits_since) WHERE dashboard = 1 AND waits_since IS NOT NULL;
CREATE INDEX conversations_by_id ON conversation_rows (conversation);

CREATE TABLE conversation_assignees (
    member BLOB NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation_rows (id) ON DELETE CASCADE,
    reasons INTEGER NOT NULL,               -- bits: 1 manual, 2 reply, 4 automation
    PRIMARY KEY (member, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignees_of_conversation ON conversation_assignees (conversation);

CREATE TABLE conversation_tags (
    tag TEXT NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation_rows (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_of_conversation ON conversation_tags (conversation);

-- How many rows of the dashboard there are of each kind (store/tallies.rs), moved with each row that is written.
CREATE TABLE tallies (
    tally INTEGER NOT NULL,
    whose BLOB NOT NULL,                    -- a member's id, a tag's bytes, or empty
    rows INTEGER NOT NULL,
    PRIMARY KEY (tally, whose)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    conversation INTEGER NOT NULL REFERENCES conversation_rows (id) ON DELETE CASCADE,
    alert BLOB NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,                     -- MessagePack of triage::ActiveAlert
    PRIMARY KEY (conversation, alert)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_rows (
    id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    contact BLOB NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    names TEXT NOT NULL,                    -- folded words, two spaces before each and at the end
    blocked INTEGER NOT NULL,
    sorted TEXT NOT NULL,                   -- by what a list of contacts is ordered: the shown name, folded
    phones TEXT NOT NULL,                   -- the forms of each number as digits, likewise
    body BLOB NOT NULL                      -- MessagePack of triage::ContactRow
) STRICT;

CREATE INDEX contacts_by_name ON contact_rows (sorted, contact);

CREATE TABLE contact_phones (
    phone TEXT NOT NULL,
    contact INTEGER NOT NULL REFERENCES contact_rows (id) ON DELETE CASCADE,
    PRIMARY KEY (phone, contact)
) STRICT, WITHOUT ROWID;
CREATE INDEX phones_of_contact ON contact_phones (contact);

-- Trigrams find any part of a word from three characters on; the two spaces before each word make the first one or two
-- characters of a word a trigram too.
CREATE VIRTUAL TABLE contact_search USING fts5 (
    names, phones, content = 'contact_rows', content_rowid = 'id', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO contact_search (contact_search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER contact_search_insert AFTER INSERT ON contact_rows BEGIN
    INSERT INTO contact_search (rowid, names, phones) VALUES (new.id, new.names, new.phones);
END;
CREATE TRIGGER contact_search_delete AFTER DELETE ON contact_rows BEGIN
    INSERT INTO contact_search (contact_search, rowid, names, phones) VALUES ('delete', old.id, old.names, old.phones);
END;
CREATE TRIGGER contact_search_update AFTER UPDATE OF names, phones ON contact_rows
WHEN old.names <> new.names OR old.phones <> new.phones BEGIN
    INSERT INTO contact_search (contact_search, rowid, names, phones) VALUES ('delete', old.id, old.names, old.phones);
    INSERT INTO contact_search (rowid, names, phones) VALUES (new.id, new.names, new.phones);
END;

-- Texts of messages, folded to words, filled while nothing else is to be done (store/texts.rs). The larger the id the later
-- the message, by and large: the search reads from the end and stops when it has enough.
CREATE TABLE message_texts (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation_rows (id) ON DELETE CASCADE,
    message BLOB NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX texts_of_conversation ON message_texts (conversation, message);

-- Words by their beginnings. Without positions: which message has a word is all that is asked.
CREATE VIRTUAL TABLE message_search USING fts5 (
    text, content = 'message_texts', content_rowid = 'id', tokenize = 'ascii', detail = none, columnsize = 0, prefix = '3'
);
INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER message_search_insert AFTER INSERT ON message_texts BEGIN
    INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_search_delete AFTER DELETE ON message_texts BEGIN
    INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- When a message that is sent later is due; NULL once it may leave, and for all that are sent at once. A row that waits for
-- its time is 'queued' and holds nothing up.
ALTER TABLE ledger ADD COLUMN due INTEGER;
CREATE INDEX ledger_scheduled ON ledger (due) WHERE state = 'queued' AND due IS NOT NULL;
-- Of contacts: whether they are blocked as spam, so that nobody is told of what they write.
ALTER TABLE documents ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;

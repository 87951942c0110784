-- What lists show of a document (core's model::Outline), sent with its snapshot; NULL where it was not written yet.
ALTER TABLE documents ADD COLUMN outline BLOB;

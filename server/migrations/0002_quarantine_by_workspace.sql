-- What a workspace had refused is found, and capped, without reading another's.
CREATE INDEX quarantine_of_workspace ON quarantine (workspace, id);

#pragma once

// The tables of a journal; docs/journal.md tells them to users.

namespace theus::store {

inline constexpr int application_id = 0x54484553;  // "THES", in the header of the database
inline constexpr int format_version = 1;

/// Of a new journal. A commit writes a page at least, to the log and, later, to the main file, so small ones are
/// soonest written and checked; but a stream of commits writes each of them by two calls. Of 1, 2 and 4 KiB this one
/// serves both.
inline constexpr int page_bytes = 2048;

inline constexpr const char* tables = R"sql(
CREATE TABLE journal (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE commits (version INTEGER PRIMARY KEY, record BLOB NOT NULL, link BLOB NOT NULL) STRICT;
CREATE TABLE requests (version INTEGER PRIMARY KEY, id TEXT NOT NULL, fingerprint INTEGER NOT NULL,
                       value BLOB NOT NULL) STRICT;
CREATE TABLE audit (sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
                    version INTEGER NOT NULL, time INTEGER NOT NULL, link BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints (version INTEGER PRIMARY KEY, parts INTEGER NOT NULL, link BLOB NOT NULL,
                          proof BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE parts (checkpoint INTEGER NOT NULL, part INTEGER NOT NULL, path TEXT NOT NULL, value BLOB NOT NULL,
                    PRIMARY KEY (checkpoint, part)) STRICT, WITHOUT ROWID;
)sql";

}  // namespace theus::store

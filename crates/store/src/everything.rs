//! All of one person's record.

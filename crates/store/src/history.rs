//! Histories, newest first.

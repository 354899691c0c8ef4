//! Attachments: the size that is stated must be that of the data.

use super::{item::Item, walk::Walk};
use crate::{IssueCode, Value, check::place::Place};

impl<'v> Walk<'v> {
    pub(super) fn attachment(&mut self, item: &Item<'v>, place: &Place<'_>) {
        let Some(data) = item.text("data") else {
            return;
        };
        let stated = item
            .object()
            .and_then(|o| o.get("size"))
            .and_then(Value::as_number);
        let Some(stated) = stated.and_then(|s| s.parse::<usize>().ok()) else {
            return;
        };
        let (mut letters, mut padding) = (0usize, 0usize);
        for byte in data.bytes().filter(|b| !b.is_ascii_whitespace()) {
            letters += 1;
            padding += usize::from(byte == b'=');
        }
        let size = (letters / 4 * 3).saturating_sub(padding);
        if size != stated {
            self.wrong(
                IssueCode::Value,
                place,
                format!("the size is said to be {stated} bytes, but the data has {size}"),
            );
        }
    }
}

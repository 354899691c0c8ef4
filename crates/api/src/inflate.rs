//! Compressed bodies, taken apart within the limit of uncompressed ones: a small body that would become a huge one is
//! refused as soon as it has grown past the limit.

use crate::fault::Fault;
use fhir::IssueCode;
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// The text of a gzip body; 413 when it is larger than the limit.
pub(crate) fn gzip(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    let most = limit as u64 + 1;
    MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut text)
        .map_err(|_| {
            Fault::bad(
                IssueCode::Invalid,
                "The body says that it is gzip and cannot be read as such.",
            )
        })?;
    match text.len() > limit {
        true => Err(Fault::new(
            413,
            IssueCode::TooLong,
            format!(
                "The body is larger than {limit} bytes when unpacked, the limit of this server."
            ),
        )),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_unpacks_beyond_the_limit_is_refused() {
        assert_eq!(gzip(&packed(b"{}"), 10).unwrap(), b"{}");
        let bomb = packed(&vec![b' '; 1 << 20]);
        assert!(bomb.len() < 2048);
        assert_eq!(gzip(&bomb, 4096).unwrap_err().status, 413);
        assert_eq!(gzip(b"{}", 10).unwrap_err().status, 400);
        let cut = packed(b"a text that is cut");
        assert_eq!(gzip(&cut[..cut.len() - 4], 100).unwrap_err().status, 400);
    }
}

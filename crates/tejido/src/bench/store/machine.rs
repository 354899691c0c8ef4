//! What the machine is, and how it was when a step began: on shared machines that explains more than any average.

use crate::{Error, out};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Since when the bench runs; says how far it is.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Clock {
        Clock(Instant::now())
    }
    pub(super) fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
    /// A line about the progress, with the time, on standard error.
    pub(super) fn say(self, what: impl AsRef<str>) {
        let seconds = self.seconds() as u64;
        out::remark(format!(
            "[{:>3}:{:02}] {}",
            seconds / 60,
            seconds % 60,
            what.as_ref()
        ));
    }
}

/// The machine at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Conditions {
    /// Since the bench began.
    pub(super) seconds: f64,
    /// Processes that wanted a core, over the last minute: all of the machine's.
    pub(super) load_average: f64,
    /// Flushes of 4 kB a second where the archive is, one after the other.
    pub(super) flushes_per_second: f64,
    /// Memory of this process, now and at most until now.
    pub(super) resident_bytes: u64,
    pub(super) peak_bytes: u64,
}

impl Conditions {
    /// Looks, and flushes for so long.
    pub(super) fn now(
        clock: Clock,
        folder: &Path,
        flushing: Duration,
    ) -> Result<Conditions, Error> {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let load = read("/proc/loadavg");
        let load = load.split_whitespace().next();
        Ok(Conditions {
            seconds: clock.seconds(),
            load_average: load.and_then(|l| l.parse().ok()).unwrap_or(0.0),
            flushes_per_second: super::super::flushes(folder, flushing)
                .map_err(|e| Error::io(folder, e))?,
            resident_bytes: crate::operations::process().resident_bytes.unsigned_abs(),
            peak_bytes: peak(&read("/proc/self/status")),
        })
    }

    pub(super) fn say(&self) {
        out::line(format!(
            "{:.0} s since the start; load average {:.2}; {} flushes a second; {} of memory, {} at most so far",
            self.seconds,
            self.load_average,
            out::count(self.flushes_per_second as u64),
            out::bytes(self.resident_bytes),
            out::bytes(self.peak_bytes)
        ));
    }
}

/// `VmHWM` of `/proc/self/status`, kibibytes there.
fn peak(status: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let number = line.and_then(|l| l.split_whitespace().next());
    number.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_of_memory_is_read_in_bytes() {
        assert_eq!(
            super::peak("VmRSS:\t 7 kB\nVmHWM:\t   2048 kB\n"),
            2_097_152
        );
        assert_eq!(super::peak(""), 0);
    }
}

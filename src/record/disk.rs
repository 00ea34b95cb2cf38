//! How long the disk will last.

use std::path::Path;
use std::time::{Duration, Instant};

/// It is announced that the disk fills up when less than this is left, or less than this time at the recording's rate;
/// the first pair early enough to make room, the second at the last moment.
const LEVELS: [(u64, Duration); 2] = [(200_000_000, Duration::from_secs(3600)), (20_000_000, Duration::from_secs(300))];

/// A rate is not taken over less time than this.
const SHORTEST: Duration = Duration::from_secs(10);

/// Watches the space that is left for a recording.
#[derive(Debug)]
pub(super) struct Disk {
    /// Bytes that are left on the disk of a folder, where the system tells.
    free: fn(&Path) -> Option<u64>,
    since: Instant,
    /// How many levels were announced.
    told: usize,
}

impl Disk {
    pub(super) fn new() -> Self {
        Disk::measured_by(free)
    }

    /// A disk of which something else tells what is left.
    pub(super) fn measured_by(free: fn(&Path) -> Option<u64>) -> Self {
        Disk { free, since: Instant::now(), told: 0 }
    }

    /// A line where it has become urgent since the last one; `bytes` were written to `folder` so far.
    pub(super) fn look(&mut self, folder: &Path, bytes: u64) -> Option<String> {
        let left = (self.free)(folder)?;
        let elapsed = self.since.elapsed();
        let rate = if elapsed >= SHORTEST { bytes as f64 / elapsed.as_secs_f64() } else { 0.0 };
        let lasts = left as f64 / rate;
        let level = LEVELS.iter().take_while(|(low, soon)| left < *low || lasts < soon.as_secs_f64()).count();
        let worse = level > self.told;
        // Space that somebody made is a new beginning.
        self.told = level;
        worse.then(|| describe(left, lasts))
    }
}

/// `lasts` is in seconds, infinite where nothing is known.
fn describe(left: u64, lasts: f64) -> String {
    let megabytes = left as f64 / 1e6;
    let time = match lasts / 60.0 {
        minutes if !minutes.is_finite() => String::new(),
        minutes if minutes < 1.0 => ", full in less than a minute at this rate".into(),
        minutes if minutes < 90.0 => format!(", full in {minutes:.0} minutes at this rate"),
        minutes => format!(", full in {:.0} hours at this rate", minutes / 60.0),
    };
    format!("disk space is low: {megabytes:.0} MB are left for the recording{time}")
}

/// Bytes that are left for an ordinary user on the disk of a folder.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The standard library does not tell, and no dependency does here.
#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    static LEFT: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn each_level_is_announced_once_and_again_after_there_was_room() {
        let mut disk = Disk::measured_by(|_| Some(LEFT.load(Ordering::SeqCst)));
        let mut look = |left: u64| {
            LEFT.store(left, Ordering::SeqCst);
            disk.look(Path::new("."), 0)
        };
        assert_eq!(look(10_000_000_000), None);
        let told = look(150_000_000).unwrap();
        assert_eq!(told, "disk space is low: 150 MB are left for the recording");
        assert_eq!(look(140_000_000), None);
        assert!(look(1_000_000).is_some());
        assert_eq!(look(900_000), None);
        assert_eq!(look(10_000_000_000), None);
        assert!(look(150_000_000).is_some());
    }

    #[test]
    fn what_grows_fast_is_announced_earlier() {
        let mut disk = Disk::measured_by(|_| Some(10_000_000_000));
        disk.since = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        // 10 MB a second fill 10 GB in a quarter of an hour.
        let told = disk.look(Path::new("."), 1_000_000_000).unwrap();
        assert_eq!(told, "disk space is low: 10000 MB are left for the recording, full in 17 minutes at this rate");
    }

    #[cfg(unix)]
    #[test]
    fn the_system_tells_what_is_left() {
        assert!(free(&std::env::temp_dir()).is_some_and(|left| left > 0));
        assert_eq!(free(Path::new("/nowhere/at/all")), None);
    }
}

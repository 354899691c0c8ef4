//! Work that nobody should have to wait for.

/// Steps of priority that such work is below the usual: about a third of a usual thread's share where cores are short,
/// all of it where they are not.
#[cfg(target_os = "linux")]
const STEPS: i32 = 5;

/// From now on the calling thread gives way to others: merging, thinning, training, indexing, and requests so big that
/// others would feel them. A thread cannot take it back, so it is for threads that do nothing else. Where the system
/// keeps no priorities of threads it does nothing.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // For Linux 0 is the calling thread. That it is refused costs others some time and nothing else.
        let now = rustix::process::getpriority_process(None).unwrap_or(0);
        let _ = rustix::process::setpriority_process(None, (now + STEPS).min(19));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn only_the_thread_that_asks_gives_way() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let after = std::thread::spawn(move || {
            super::give_way();
            priority()
        });
        assert_eq!(after.join().unwrap(), (before + super::STEPS).min(19));
        assert_eq!(priority(), before);
    }
}

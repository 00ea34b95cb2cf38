//! Frames on their way to the terminal: a thread writes, the screen never waits for it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Writes whole frames on a thread of its own.
///
/// There is one buffer. It is either here (the writer is idle, a frame may be drawn into it) or with the thread (a
/// frame drawn meanwhile would queue up behind it: it is not drawn). A terminal that takes no output at all therefore
/// costs nothing but its own picture.
#[derive(Debug)]
pub(super) struct FrameWriter {
    frames: Sender<Vec<u8>>,
    written: Receiver<Vec<u8>>,
    spare: Option<Vec<u8>>,
    writing: Arc<Mutex<()>>,
}

impl FrameWriter {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn spawn(mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let (frames, received) = bounded::<Vec<u8>>(1);
        let (returned, written) = bounded(1);
        let writing = Arc::new(Mutex::new(()));
        let held = Arc::clone(&writing);
        thread::Builder::new().name("frame writer".into()).spawn(move || {
            for mut frame in received {
                {
                    let _held = held.lock();
                    // A terminal that is gone makes itself known by a signal and by the end of its input.
                    let _ = out.write_all(&frame).and_then(|()| out.flush());
                }
                frame.clear();
                if returned.send(frame).is_err() {
                    break;
                }
            }
        })?;
        Ok(FrameWriter { frames, written, spare: Some(Vec::with_capacity(1 << 16)), writing })
    }

    /// The buffer to draw into, if the last frame is out.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.spare.take()
    }

    /// Whether the last frame is out.
    pub(super) fn is_idle(&self) -> bool {
        self.spare.is_some()
    }

    /// Sends a frame off, in the buffer that was [taken](Self::take).
    pub(super) fn send(&mut self, frame: Vec<u8>) {
        // There is one buffer, so there is room; a thread that is gone writes nothing any more.
        let _ = self.frames.try_send(frame);
    }

    /// Where the buffer comes back, for `select!`.
    pub(super) fn written(&self) -> &Receiver<Vec<u8>> {
        &self.written
    }

    /// Takes back the buffer that came out of [`written`](Self::written).
    pub(super) fn accept(&mut self, buffer: Vec<u8>) {
        self.spare = Some(buffer);
    }

    /// Waits until the last frame is out, but not longer than `timeout`; returns whether it is.
    pub(super) fn wait(&mut self, timeout: Duration) -> bool {
        if self.spare.is_none() {
            self.spare = self.written.recv_timeout(timeout).ok();
        }
        self.is_idle()
    }

    /// Locked while bytes are being written, for whoever must write past this thread (a panic).
    pub(super) fn writing(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.writing)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A terminal that takes output only when it is let, and remembers each write.
    struct Stalling {
        let_through: Receiver<()>,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.let_through.recv().map_err(io::Error::other)?;
            self.writes.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stalled_terminal_makes_frames_be_skipped_and_nobody_wait() {
        let (allow, let_through) = bounded(8);
        let writes = Arc::new(Mutex::new(Vec::new()));
        let mut writer = FrameWriter::spawn(Stalling { let_through, writes: Arc::clone(&writes) }).unwrap();
        let mut drawn = 0;
        for number in 0..100u8 {
            if let Some(mut frame) = writer.take() {
                frame.extend_from_slice(&[number; 1000]);
                writer.send(frame);
                drawn += 1;
            }
        }
        assert_eq!(drawn, 1, "the terminal took nothing, so nothing more was drawn");
        assert!(!writer.wait(Duration::from_millis(20)));
        assert!(writer.writing().try_lock().is_err());
        allow.send(()).unwrap();
        assert!(writer.wait(Duration::from_secs(10)));
        let mut frame = writer.take().unwrap();
        assert!(frame.is_empty() && frame.capacity() >= 1000, "memory is used again");
        frame.push(b'x');
        allow.send(()).unwrap();
        writer.send(frame);
        assert!(writer.wait(Duration::from_secs(10)));
        assert_eq!(*writes.lock().unwrap(), [vec![0; 1000], vec![b'x']], "one write for each frame");
    }
}

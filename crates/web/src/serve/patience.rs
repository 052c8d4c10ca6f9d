//! A connection that is given up when nothing moves on it.
//!
//! The server's own timer begins when it knows which HTTP it hears, and ends with the head of a
//! request: whoever says nothing at all, or does not take an answer, would stay for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Instant, Sleep};

/// A connection.
pub(super) struct Patience<I> {
    io: I,
    /// Time without a byte, before and after the first request is there.
    first: Duration,
    later: Duration,
    asked: Arc<AtomicBool>,
    alarm: Pin<Box<Sleep>>,
    waits: bool,
}

impl<I> Patience<I> {
    /// Waits `first` for whoever has not `asked` for anything yet, `later` for others: whoever
    /// has may have to wait for the answer.
    pub(super) fn new(io: I, first: Duration, later: Duration, asked: Arc<AtomicBool>) -> Self {
        let alarm = Box::pin(tokio::time::sleep(first));
        Self { io, first, later, asked, alarm, waits: false }
    }

    /// Passes on what came of an attempt to move bytes; gives up when it has waited too long.
    fn moved<T>(
        &mut self,
        context: &mut Context<'_>,
        attempt: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            self.waits = false;
            return attempt;
        }
        if !self.waits {
            self.waits = true;
            let asked = self.asked.load(Ordering::Relaxed);
            let limit = if asked { self.later } else { self.first };
            self.alarm.as_mut().reset(Instant::now() + limit);
        }
        match self.alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: Read + Unpin> Read for Patience<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        self.moved(context, read)
    }
}

impl<I: Write + Unpin> Write for Patience<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.store(true, Ordering::Relaxed);
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.moved(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.asked.store(true, Ordering::Relaxed);
        let written = Pin::new(&mut self.io).poll_write_vectored(context, bytes);
        if written.is_ready() {
            kernel::crash_point!("web.answer-written");
        }
        self.moved(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Moves nothing by itself on a socket, and is always done at once.
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

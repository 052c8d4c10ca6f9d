//! Every limit has a name and stands here, so that two rooms cannot disagree on one.

use jiff::SignedDuration;

/// Units of one variant in one line.
pub const LINE_QUANTITY_MAX: i64 = 10_000;
/// Different lines in a cart or a quote.
pub const LINES_MAX: usize = 100;
/// Bytes of a JSON or form body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Items on one page of a list.
pub const PAGE_SIZE_MAX: u32 = 100;
/// Items on a page when the caller does not say.
pub const PAGE_SIZE_DEFAULT: u32 = 20;
/// Characters of a name, title or line of an address.
pub const TEXT_CHARS_MAX: usize = 200;
/// Bytes of an idempotency key (the draft and the agent protocols say 255).
pub const KEY_BYTES_MAX: usize = 255;
/// Addresses an account may keep.
pub const ADDRESSES_MAX: i64 = 50;
/// Requests under way at once; one more is answered "overloaded".
pub const REQUESTS_MAX: usize = 4_096;
/// How long a command may wait in front of the lane before it is answered "overloaded" and never
/// written: whoever asked has gone, or is about to ask again.
pub const LANE_WAIT_MAX: SignedDuration = SignedDuration::from_millis(500);
/// Commands the checkout lane takes in one transaction.
pub const LANE_BATCH_MAX: usize = 512;
/// Commands that may wait in front of the lane; one more is answered "overloaded".
pub const LANE_QUEUE_MAX: usize = 8_192;
/// Jobs that may wait in front of the writer.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// Jobs that may wait in front of the readers.
pub const READ_QUEUE_MAX: usize = 8_192;

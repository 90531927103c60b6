//! Processes that die.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

/// Lets a future go on that often, each time when something has come that it waits for, and drops it where it stands
/// then. `false` if it was not done by then.
pub async fn dies_after(polls: usize, future: impl Future) -> bool {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

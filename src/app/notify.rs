//! Tells the service manager (systemd, by `NOTIFY_SOCKET`) how the exporter is. Without one, nobody is told.

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// Connections are served.
pub(super) fn ready() {
    tell(NotifyState::Ready);
}

/// The end has begun.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Gives signs of life while every collector's loop is alive, where the service manager wants some (`WATCHDOG_USEC`).
pub(super) async fn watchdog(store: Store, stop: CancellationToken) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    // Half of it, so that one sign may come late.
    let mut interval = tokio::time::interval(patience / 2);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = stop.cancelled() => return,
        }
        if store.stuck().is_empty() {
            tell(NotifyState::Watchdog);
        }
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

//! The figures of the whole cluster, as any node gives them. Each node stores its own with the renewals of its lease.

mod feed;
mod timeline;

use tracing::debug;

use self::feed::EVERY;
pub(in crate::chat) use self::feed::StatsFeed;
pub use self::feed::StatsWatch;
use self::timeline::Timeline;
use crate::backend::{BackendError, FiguresPlace, FiguresSpan, NodeFigures};
use crate::chat::Chat;
use crate::protocol::server::{self, Stats};
use crate::protocol::{ErrorCode, Rejection};
use crate::supervisor::ticks;
use crate::websocket::Frame;

impl Chat {
    /// The figures of the last second.
    ///
    /// # Errors
    /// `unavailable`, also while no node has stored any.
    pub async fn stats(&self) -> Result<Stats, Rejection> {
        let newest = self.newest_figures().await?;
        let mut timeline = Timeline::new(self.inner.config.presence.renew_every);
        let before = timeline.add(newest.nodes.clone()).pop();
        let mut state = timeline.state().or(before).ok_or_else(|| {
            Rejection::new(ErrorCode::Unavailable, "The nodes have not given their figures yet; try again")
        })?;
        if let Some(rooms) = newest.rooms {
            state.count_rooms(rooms);
        }
        Ok(state)
    }

    /// From now on the backend is asked for figures, until what is returned is dropped.
    pub fn watch_stats(&self) -> StatsWatch {
        self.inner.process.stats.watch()
    }

    /// The next frame for a watcher: first those of the last 15 minutes, then one a second. May be given up and called
    /// again.
    pub async fn next_stats(&self, watch: &mut StatsWatch) -> Frame {
        watch.next(&self.inner.process.stats).await
    }

    /// Reads figures for those who watch, for as long as there are any.
    pub(in crate::chat) async fn feed_stats(self) {
        tokio::select! {
            () = self.inner.supervisor.stopping() => {}
            () = self.follow_stats() => {}
        }
    }

    async fn follow_stats(&self) {
        loop {
            self.inner.process.stats.until_watched().await;
            let mut timeline = Timeline::new(self.inner.config.presence.renew_every);
            let mut after = None;
            let mut ticks = ticks(EVERY);
            while self.inner.process.stats.is_watched() {
                ticks.tick().await;
                let rooms = self.inner.backend.presence.room_count();
                let (figures, rooms) = tokio::join!(self.figures_after(&mut after), rooms);
                match figures {
                    Ok(figures) => {
                        let mut states = timeline.add(figures);
                        states.extend(timeline.state());
                        if let Ok(rooms) = rooms {
                            count_rooms(&mut states, rooms);
                        }
                        self.inner.process.stats.add(states.iter().map(server::stats).collect());
                    }
                    // The outage itself is logged once, by the renewal of the lease.
                    Err(error) => {
                        debug!(error = %error.root_cause(), "could not read the figures of the nodes")
                    }
                }
            }
        }
    }

    async fn figures_after(
        &self,
        after: &mut Option<FiguresPlace>,
    ) -> Result<Vec<NodeFigures>, BackendError> {
        let mut all = Vec::new();
        loop {
            let page = self.inner.backend.cluster.figures(FiguresSpan::After(*after)).await?;
            all.extend(page.figures);
            *after = page.last.or(*after);
            if !page.is_full {
                return Ok(all);
            }
        }
    }
}

/// Gives the newest states the number of rooms that was read with them. Nobody knows how many there were before.
fn count_rooms(states: &mut [Stats], rooms: u64) {
    let Some(newest_ms) = states.last().map(|newest| newest.timestamp.unix_millis()) else { return };
    let read_ms = newest_ms.saturating_sub(2 * EVERY.as_millis() as u64);
    let are_new = |state: &&mut Stats| state.timestamp.unix_millis() > read_ms;
    states.iter_mut().filter(are_new).for_each(|state| state.count_rooms(rooms));
}

//! Reconciles the subscriptions of one connection with the desired ones.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult};

use super::lock;
use super::shard_subscriber::{Lost, ShardSubscriber};
use crate::backend::{Channel, Release};

/// Maximum number of channels in one command or pipeline.
const CHANNELS_PER_COMMAND: usize = 512;

/// Channels of a Redis Cluster that this node has unsubscribed from, without confirmation yet.
pub(super) type PendingUnsubscribes = Arc<Mutex<HashSet<Vec<u8>>>>;

/// Makes the connection's subscriptions equal to the desired ones. Only this sends SUBSCRIBE and UNSUBSCRIBE,
/// always computed from the current desired channels. A late UNSUBSCRIBE therefore cannot undo a newer subscription.
pub(super) struct Reconciler<'a> {
    subscriber: &'a ShardSubscriber,
    connection: MultiplexedConnection,
    pub(super) actual: HashSet<Channel>,
    pending: PendingUnsubscribes,
}

impl<'a> Reconciler<'a> {
    pub(super) fn new(
        subscriber: &'a ShardSubscriber,
        connection: MultiplexedConnection,
        pending: PendingUnsubscribes,
    ) -> Self {
        Self { subscriber, connection, actual: HashSet::new(), pending }
    }

    pub(super) async fn reconcile_all(&mut self) -> Result<(), Lost> {
        let mut all: HashSet<Channel> = self.subscriber.context.desired.lock().keys().cloned().collect();
        all.extend(self.actual.iter().cloned());
        self.reconcile(all).await
    }

    /// Runs until the connection ends.
    pub(super) async fn run(&mut self) -> Result<(), Lost> {
        loop {
            self.subscriber.dirty.notify.notified().await;
            let dirty = self.subscriber.dirty.drain();
            if dirty.all {
                self.subscriber.is_settling.store(true, Ordering::Relaxed);
                self.reconcile_all().await?;
                // Publications were lost while a channel moved.
                let _ = self.subscriber.context.events.send_resumed().await;
                self.subscriber.is_settling.store(false, Ordering::Relaxed);
            } else {
                self.reconcile(dirty.channels).await?;
            }
        }
    }

    async fn reconcile(&mut self, channels: HashSet<Channel>) -> Result<(), Lost> {
        let context = &self.subscriber.context;
        let (desired, other): (Vec<_>, Vec<_>) = {
            let all = context.desired.lock();
            let is_desired = |channel: &Channel| all.contains_key(channel) && self.subscriber.has(channel);
            channels.into_iter().partition(is_desired)
        };
        let obsolete: Vec<_> = other.into_iter().filter(|channel| self.actual.remove(channel)).collect();
        self.actual.release();
        for group in obsolete.chunks(CHANNELS_PER_COMMAND) {
            self.unsubscribe(&self.names(group)).await?;
        }
        let (confirmed, missing): (Vec<_>, Vec<_>) =
            desired.into_iter().partition(|channel| self.actual.contains(channel));
        context.desired.confirm(&confirmed);
        for group in missing.chunks(CHANNELS_PER_COMMAND) {
            self.subscribe(&self.names(group)).await?;
            self.actual.extend(group.iter().cloned());
            context.desired.confirm(group);
        }
        Ok(())
    }

    fn names(&self, channels: &[Channel]) -> Vec<String> {
        channels.iter().map(|channel| self.subscriber.context.keys.bus(channel)).collect()
    }

    pub(super) async fn subscribe(&mut self, channels: &[String]) -> Result<(), Lost> {
        if self.subscriber.context.shards.is_cluster() {
            return self.one_by_one("SSUBSCRIBE", channels).await;
        }
        let subscribing = self.connection.subscribe(channels);
        Ok(tokio::time::timeout(self.subscriber.context.settings.command_timeout, subscribing).await??)
    }

    async fn unsubscribe(&mut self, channels: &[String]) -> Result<(), Lost> {
        if self.subscriber.context.shards.is_cluster() {
            lock(&self.pending).extend(channels.iter().map(|channel| channel.clone().into_bytes()));
            return self.one_by_one("SUNSUBSCRIBE", channels).await;
        }
        let unsubscribing = self.connection.unsubscribe(channels);
        Ok(tokio::time::timeout(self.subscriber.context.settings.command_timeout, unsubscribing).await??)
    }

    /// Channels of different slots can't be in one command.
    async fn one_by_one(&mut self, command: &str, channels: &[String]) -> Result<(), Lost> {
        let mut pipeline = Pipeline::with_capacity(channels.len());
        for channel in channels {
            pipeline.cmd(command).arg(channel);
        }
        let sending = self.connection.send_packed_commands(&pipeline, 0, channels.len());
        let answers =
            tokio::time::timeout(self.subscriber.context.settings.command_timeout, sending).await??;
        answers.into_iter().try_for_each(|answer| -> RedisResult<()> { answer.extract_error().map(drop) })?;
        Ok(())
    }
}

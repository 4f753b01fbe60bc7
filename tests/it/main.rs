//! Everything that is promised to clients and operators, tested at the doors. One binary.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test fails by panicking, and nothing imports it")]

// Processes, sockets and clients to test with.
mod harness;

// Hostile frames: the right answer or the right goodbye, and others never notice.
mod abuse;
// Guests, tokens and who a session speaks for.
mod accounts;
// The rules that the sources keep: who imports whom, how long a file is, what is documented.
mod architecture;
// One suite for every backend, at the seam.
mod backend_contract;
// The balancer's files, tried with a real HAProxy.
mod balancer;
// The browser client, driven by a browser.
mod browser;
// Faults in a running cluster, and a verdict from what every client remembers: modules, no tests.
mod chaos;
// What is said of joins, leaves and REST in such a run, fed with made-up memories.
mod chaos_presence;
// Each of those faults for a short time, and twins that lack a defence.
mod chaos_runs;
// The verdict on messages, likewise fed.
mod chaos_verdict;
// The browser client's files: compressed, kept, named by their build.
mod client_files;
// Redis' clock set back and forth: nobody is taken for dead, and nothing waits for the old time.
mod clocks;
// What Redis refuses, told to operators.
mod complaints;
// What only several nodes can get wrong.
mod cluster;
// Why a node is not ready, and what it says before and after.
mod readiness;
// Packets that are lost without a word: a node cut from Redis, half-open sockets.
mod cuts;
// Two clusters on two databases of one Redis.
mod databases;
// A user's sessions, reached on their node.
mod controls;
// Redis is spoiled by somebody else, and mended.
mod digests;
// Numbers that name one message for ever, along random walks over a Redis that loses.
mod epochs;
// The limit of open files: sessions end below it, Redis and health checks keep their share.
mod descriptors;
// Error codes and close codes.
mod errors;
// The programs of `examples/`.
mod examples;
// Redis down, frozen, emptied, set back; connections to it that break.
mod faults;
// What is not of adda in Redis, or of a later version.
mod foreign;
// Sessions that flood, never finish, or read too little.
mod floods;
// The protocol `adda.v1`, frame by frame.
mod full;
// Bytes on the port that are neither HTTP nor WebSocket.
mod garbage;
// Connections to Redis that were idle and are forgotten on the way.
mod idle;
// Who breaks off is waited for; who says goodbye is not.
mod grace_period;
// Logs on full disks and pipes that nobody reads; what a line may hold.
mod logging;
// Publications that never arrive.
mod losses;
// Redis at its memory limit.
mod memory_limit;
// What `/metrics` holds.
mod metrics;
// The browser client where much comes at once or something is missing.
mod page_bounds;
// Sessions without a subprotocol.
mod pages;
mod plain;
// Joins, leaves, typing and counts.
mod presence;
// Redis that refuses, or answers too late.
mod refusals;
// What reading over REST must not do.
mod reads;
// The REST API.
mod rest;
// Nodes that leave, die and come back.
mod restarts;
// Settings, commands, ignored people and completions in the browser client.
mod habits;
// History, and coming back by place.
mod resume;
// A task of a node ends or panics.
mod supervision;
// The secret that all nodes sign with, also where Redis has forgotten it.
mod secrets;
// The list of rooms over WebSocket, and what it costs.
mod room_list;
// Redis with less than it had: numbering and places afterwards.
mod set_back;
// SIGHUP, SIGQUIT, Ctrl-C.
mod signals;
// A Redis Cluster with a shard that fails, or a server that was left behind.
mod shards;
// Upgrades, CORS, files, probes, metrics.
mod site;
// Slow readers, bursts, frozen nodes, silent sockets.
mod stalls;
// Settings, first words and last words of a process.
mod startup;
// Everybody cut off at once, and back.
mod storm;
// Sessions that no node has, and none looks for.
mod orphans;
// Clients that hog, stick or part, and Redis frozen meanwhile: nobody waits for them.
mod stuck;
// What open pages cost the cluster while nobody touches them.
mod tabs;
// Users with few rights, TLS, replicas, Sentinels, a Redis Cluster.
mod topologies;
// Back, links to messages, drawers and kept rooms in the browser client.
mod wayfinding;
// Logs, heads and publications that this version did not write.
mod unreadable;

//! The guarantees to clients and operators, tested through the public interfaces. One binary.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test fails by panicking, and nothing imports it")]

// Processes, sockets and clients for the tests.
mod harness;

// Invalid frames: the right error or close code, and no effect on other sessions.
mod abuse;
// Bodies of requests that never end.
mod bodies;
// Guests, tokens and the user of a session.
mod accounts;
// Accounts over REST.
mod registration;
// The names of accounts against guests.
mod taken_names;
// The first admin.
mod setup;
// `adda account`.
mod account_commands;
// Many log-ins at once.
mod login_storm;
// The rules of the sources: imports, lengths of files, forbidden calls.
mod architecture;
// One suite for every backend.
mod backend_contract;
// The configuration of HAProxy, with a real HAProxy.
mod asking;
mod balancer;
// The browser client, driven by a browser.
mod browser;
// Faults in a running cluster, and a verdict from the recorded events of all clients: modules, no tests.
mod chaos;
// The verdict on joins, leaves and REST, on invented records.
mod chaos_presence;
// Edits, deletions and reactions.
mod changes;
// The same at random, while subscriptions and nodes are lost: all see the same in the end.
mod changes_walk;
// Each of those faults for a short time, and twins that lack a defence.
mod chaos_runs;
// The verdict on messages, on invented records.
mod chaos_verdict;
// The browser client's files: compression, caching, names by build.
mod client_files;
// Redis' clock set back and forward: no node is reaped, and no timer waits for the old time.
mod clocks;
// Files: uploading, reading, posting, and their removal.
mod files;
// Errors of Redis as operators see them.
mod redis_errors;
// Several nodes over one Redis.
mod cluster;
// Why a node is not ready.
mod readiness;
// Packet loss: a node partitioned from Redis, half-open sockets.
mod partitions;
// Two clusters on two databases of one Redis.
mod databases;
// A user's sessions, reached on their node.
mod controls;
// The events of users, on every node.
mod user_channel;
// Foreign changes to memberships in Redis, and their repair.
mod reconciliation;
// Each number names one message, along random walks over a Redis that loses data.
mod epochs;
// The page of the API, driven by a browser.
mod api_docs;
// The description of the REST API, its router and its document.
mod description;
// Answers of a node against that description.
mod schemathesis;
// The examples and tables of the protocol's document.
mod protocol_document;
// The paths in the documents exist.
mod document_paths;
// The lists of GitHub's workflows.
mod workflows;
// The figures of the cluster over REST and WebSocket.
mod stats;
// The dashboard, driven by a browser.
mod dashboard;
// The limit of open files: sessions end below it, Redis and health checks keep their share.
mod descriptors;
// Nodes without guests, tokens that run out, the session cookie.
mod doors;
// Error codes and close codes.
mod errors;
// The programs of `examples/`.
mod examples;
// Redis down, frozen, emptied, set back; connections to it that break.
mod faults;
// Foreign data in Redis, and data of a later version.
mod foreign;
// Sessions that flood, never finish, or read too little.
mod floods;
// The protocol `adda.v1`, frame by frame.
mod frozen_shard;
mod full;
// Bytes on the port that are neither HTTP nor WebSocket.
mod garbage;
// Idle connections to Redis that a NAT has dropped.
mod idle;
// The grace period before a leave notice.
mod grace_period;
// Logs on full disks and blocked pipes; the contents of a line.
mod logging;
// Publications that never arrive.
mod losses;
// Redis at its memory limit.
mod memory_limit;
mod moderation;
// `/metrics`.
mod metrics;
// Notifications to users, and schedules.
mod notifications;
// The browser client under load and without optional features.
mod page_bounds;
// Sessions without a subprotocol.
mod pages;
mod plain;
// Joins, leaves, typing and counts.
mod presence;
// Private rooms and conversations.
mod private;
// Redis that refuses, or answers too late.
mod refusals;
// Reads over REST write nothing.
mod reads;
// The REST API.
mod rest;
// Nodes that leave, die and come back.
mod restarts;
// Accounts in the browser client.
mod page_accounts;
// Texts that try to become markup or code.
mod page_injection;
// Replies, edits and words in the browser client that must not be lost.
mod page_keeping;
// Keys, focus, small screens and the browser's events in the browser client.
mod page_keys;
// Menus, dialogs and what may not be covered in the browser client.
mod page_openers;
// Search, unread messages and notifications in the browser client.
mod page_reading;
// Settings, commands, ignored people and completions in the browser client.
mod page_settings;
// Replies, changes of messages, private rooms and files in the browser client.
mod page_talk;
// History, and resuming by position.
mod resume;
// A task of a node ends or panics.
mod supervision;
// The secret that all nodes sign with, also after Redis has lost it.
mod secrets;
// How often somebody may do something: messages, joins, connections.
mod limits;
// Those that hold in the whole cluster: messages through several nodes, and new accounts.
mod cluster_limits;
// The list of rooms over WebSocket, and what it costs.
mod room_list;
// Redis with older data: numbering and positions afterwards.
mod rollback;
// SIGHUP, SIGQUIT, Ctrl-C.
mod signals;
// A Redis Cluster with a shard that fails, or a server outside the cluster.
mod shards;
// Upgrades, CORS, files, probes, metrics.
mod site;
// Slow readers, bursts, frozen nodes, silent sockets.
mod stalls;
// Settings, and the output of a process at its start and end.
mod startup;
// All clients disconnected at once, and their return.
mod storm;
// Orphaned sessions: members that no node holds or would remove.
mod orphans;
// Clients that flood, block or leave, also while Redis is frozen: no other session waits for them.
mod stuck;
// The load of idle browser pages.
mod tabs;
// Users with few rights, TLS, replicas, Sentinels, a Redis Cluster.
mod topologies;
// Back, links to messages, drawers and kept rooms in the browser client.
mod navigation;
// Logs, heads and publications of other versions.
mod unreadable;
// Plain words in comments, documents and names of tests.
mod words;
// Roles of tokens that admit to some rooms only.
mod token_scope;
// Valid and bad tokens, over WebSocket and REST.
mod tokens;

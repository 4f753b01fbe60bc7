//! adda (আড্ডা): a chat cluster. Stateless nodes accept WebSockets; Redis stands between them.
//!
//! The modules in reading order; each uses only what stands above it.

pub mod model;

pub mod config;

pub mod telemetry;

pub mod supervisor;

pub mod websocket;

pub mod protocol;

pub mod backend;

pub mod chat;

pub mod ws;

pub mod http;

pub mod server;

//! adda (আড্ডা): a chat cluster. Stateless nodes accept WebSockets; Redis stands between them.
//!
//! The binary is the product; the crate is public for its tests, benchmarks and fuzz targets. The modules in reading
//! order, each of which uses only those above it:
//!
//! | module | concern |
//! |---|---|
//! | [`model`] | ids, names, messages, notices, positions: values without I/O |
//! | [`config`] | settings: defaults, file, environment, flags |
//! | [`telemetry`] | log lines and metrics |
//! | [`supervisor`] | tasks that must not end |
//! | [`websocket`] | RFC 6455: frames, decoder, handshake |
//! | [`protocol`] | frames of clients and of the server, error codes |
//! | [`backend`] | what the nodes share: log, Pub/Sub, presence, cluster; over Redis or in memory |
//! | [`chat`] | the operations: join, post, leave, read |
//! | [`ws`], [`http`] | WebSocket sessions; REST, health, metrics, the browser client |
//! | [`server`] | joins WebSocket and HTTP, serves, drains |
//!
//! ARCHITECTURE.md follows a message through them. A frame of a client, from bytes to a value:
//!
//! ```
//! use adda::protocol::{ClientFrame, SessionKind};
//! use adda::websocket::{Decoder, Incoming};
//!
//! // "Hi" as a browser sends it: a final text frame of two bytes, masked (RFC 6455, section 5.3).
//! let mut decoder = Decoder::new(65_536);
//! decoder.feed(&[0x81, 0x82, 1, 2, 3, 4, b'H' ^ 1, b'i' ^ 2]);
//! assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text("Hi".into()))));
//!
//! let frame = ClientFrame::parse(r#"{"type":"leave","room_id":"general"}"#, SessionKind::Full);
//! assert!(matches!(frame, Ok(ClientFrame::Leave(_))));
//! ```

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

//! A full session in Rust: joins a room, posts a line, waits for its ack, then prints the messages of the room.
//!
//! `cargo run --example client -- ws://localhost:3000/ws general "hello"`

use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "ws://localhost:3000/ws".to_owned());
    let room = arguments.next().unwrap_or_else(|| "general".to_owned());
    let line = arguments.next();

    let mut request = url.into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("adda.v1"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;

    socket.send(text(&json!({"type": "join", "room_id": room}))).await?;
    if let Some(content) = line {
        // The nonce makes the post safe to repeat: sent again, it is answered by the same ack.
        let nonce = uuid::Uuid::new_v4().to_string();
        socket
            .send(text(&json!({"type": "text", "room_id": room, "content": content, "nonce": nonce})))
            .await?;
    }
    while let Some(message) = socket.next().await {
        let Message::Text(frame) = message? else { continue };
        print(&serde_json::from_str(&frame)?);
    }
    Ok(())
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}

#[expect(clippy::print_stdout, reason = "an example's output")]
fn print(frame: &Value) {
    match frame["type"].as_str() {
        Some("joined") => println!("joined {} with {} here", frame["room_id"], frame["client_count"]),
        Some("text") => println!("{}: {}", frame["username"], frame["content"]),
        Some("ack") => println!("acknowledged as number {}", frame["seq"]),
        Some("error") => println!("refused ({}): {}", frame["code"], frame["content"]),
        _ => {}
    }
}

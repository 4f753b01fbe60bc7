//! The opening handshake (RFC 6455, section 4.2).

use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// Appended to the client's key (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that asks for a WebSocket in all due form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    accept: String,
    subprotocols: Vec<String>,
}

impl Handshake {
    /// Reads the request's head; `None` if it is no WebSocket handshake of version 13.
    pub fn read(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let is_handshake = method == Method::GET
            && has_token(headers, header::CONNECTION, "upgrade")
            && has_token(headers, header::UPGRADE, "websocket")
            && headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes() == b"13";
        let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
        let is_key = STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16);
        (is_handshake && is_key).then(|| Self {
            accept: STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize()),
            subprotocols: tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect(),
        })
    }

    /// Whether the client offers a subprotocol, whose name is compared by case (RFC 6455, section 4.2.2).
    pub fn offers(&self, subprotocol: &str) -> bool {
        self.subprotocols.iter().any(|offered| offered == subprotocol)
    }

    /// The response that switches protocols. `protocol` is the subprotocol agreed on.
    pub fn accept(&self, protocol: Option<&'static str>) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        let accept = HeaderValue::from_str(&self.accept).expect("base64 is a header value");
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        response
    }
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|item| item.eq_ignore_ascii_case(token))
}

/// The items of a list, which may be spread over several headers (RFC 9110, section 5.3).
fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    const REQUEST: [(&str, &str); 5] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "chat, adda.v1"),
    ];

    #[test]
    fn the_example_of_rfc_6455_is_accepted() {
        let handshake = Handshake::read(&Method::GET, &headers(&REQUEST)).unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(handshake.offers("chat") && handshake.offers("adda.v1"));
        assert!(!handshake.offers("adda.v2") && !handshake.offers("ADDA.V1"));
    }

    #[test]
    fn every_part_of_the_handshake_is_needed() {
        for missing in 0..4 {
            let mut request = REQUEST.to_vec();
            request.remove(missing);
            assert_eq!(Handshake::read(&Method::GET, &headers(&request)), None);
        }
        assert_eq!(Handshake::read(&Method::POST, &headers(&REQUEST)), None);
    }
}

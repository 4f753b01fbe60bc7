"""A small WebSocket client (RFC 6455) for full sessions: JSON text frames in, JSON text frames out."""

import base64
import json
import os
import queue
import socket
import struct
import threading
import time

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Refused(Exception):
    """The upgrade was not answered with 101."""


class Closed(Exception):
    """The session has ended; `code` is the close code, None if the connection just broke off."""

    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class Session:
    """One WebSocket. A thread reads it, so that pings are answered while the test waits."""

    def __init__(self, host, port, path, subprotocol="adda.v1"):
        self._socket = socket.create_connection((host, port), timeout=10)
        self._stream = self._socket.makefile("rb")
        self._write_lock = threading.Lock()
        self._arrived = queue.Queue()
        self._unclaimed = []
        try:
            self._upgrade(host, port, path, subprotocol)
        except BaseException:
            self.close()
            raise
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, **frame):
        self._write(TEXT, json.dumps(frame).encode())

    def expect(self, kind, within=10, **fields):
        """Takes the oldest frame with this type and these fields."""
        deadline = time.monotonic() + within
        while True:
            for i, frame in enumerate(self._unclaimed):
                if frame["type"] == kind and all(frame.get(k) == v for k, v in fields.items()):
                    return self._unclaimed.pop(i)
            frame = self._next(deadline, f"no {kind} {fields or ''}")
            if isinstance(frame, Closed):
                raise frame
            self._unclaimed.append(frame)

    def closed(self, within=10):
        """Waits for the end and returns its code."""
        deadline = time.monotonic() + within
        while not isinstance(frame := self._next(deadline, "the socket stayed open"), Closed):
            self._unclaimed.append(frame)
        return frame.code

    def close(self):
        # shutdown as well, because the reading thread's stream would keep the connection open.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _next(self, deadline, otherwise):
        try:
            return self._arrived.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"{otherwise}; unclaimed: {self._unclaimed}") from None

    def _upgrade(self, host, port, path, subprotocol):
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            (
                f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
            ).encode()
        )
        status = self._stream.readline().decode().strip()
        headers = []
        while line := self._stream.readline().decode().strip():
            headers.append(line.lower())
        if " 101 " not in f"{status} ":
            raise Refused(status or "the connection broke off")
        if f"sec-websocket-protocol: {subprotocol}" not in headers:
            raise Refused(f"the subprotocol was not taken: {headers}")

    def _read(self):
        code = None
        try:
            while True:
                opcode, payload = self._read_frame()
                if opcode == TEXT:
                    self._arrived.put(json.loads(payload))
                elif opcode == PING:
                    self._write(PONG, payload)
                elif opcode == CLOSE:
                    code = struct.unpack("!H", payload[:2])[0] if payload else None
                    self._write(CLOSE, payload[:2])
                    break
        except (OSError, EOFError, ValueError):
            pass
        self._arrived.put(Closed(code))

    def _read_frame(self):
        first, length = self._exactly(2)
        if not first & 0x80:
            raise ValueError("fragments are not expected")
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        return first & 0x0F, self._exactly(length)

    def _exactly(self, count):
        data = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _write(self, opcode, payload):
        mask = os.urandom(4)
        if len(payload) < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload))
        else:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        with self._write_lock:
            self._socket.sendall(head + mask + masked)

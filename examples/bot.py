#!/usr/bin/env python3
"""A bot that answers "!time" in a room, and misses nothing while its connection is lost.

    pip install websockets        (Debian: python3-websockets)
    bot.py [ws://localhost:3000/ws] [general]
"""

import asyncio
import datetime
import json
import sys
import uuid

import websockets

# The session may not be here (docs/protocol.md, close codes): another attempt would end like this one.
FINAL_CODES = {4400, 4401, 4403}

# Refusals that pass.
PASSING = {"too_fast", "unavailable"}


class Bot:
    def __init__(self, url, room):
        self.url = url
        self.room = room
        self.token = None  # Keeps our user over a reconnect.
        self.since = None  # The position up to which we have seen the room.
        self.unacked = {}  # nonce -> frame: sent again until the ack comes, posted once.
        self.delay = 1
        self.repetitions = set()

    async def run(self):
        while True:
            try:
                async with websockets.connect(self.url, subprotocols=["adda.v1"]) as socket:
                    await self.talk(socket)
            except websockets.ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code in FINAL_CODES:
                    sys.exit(f"the server has closed the session for good: {closed}")
                print(f"connection lost: {closed}", file=sys.stderr)
            except (OSError, websockets.WebSocketException) as error:
                print(f"connection lost: {error}", file=sys.stderr)
            await asyncio.sleep(self.delay)
            self.delay = min(self.delay * 2, 30)

    async def talk(self, socket):
        welcome = json.loads(await socket.recv())
        if self.token:
            await self.send(socket, type="auth", token=self.token)
        else:
            self.token = welcome.get("token")
        await self.send(socket, type="join", room_id=self.room, since=self.since)
        for frame in list(self.unacked.values()):
            await socket.send(frame)
        async for text in socket:
            await self.on_frame(socket, json.loads(text))

    async def on_frame(self, socket, frame):
        match frame["type"]:
            case "auth_success":
                self.token = frame["token"]
            case "joined":
                self.delay = 1
                news = self.news(frame)
                self.since = {"epoch": frame["epoch"], "seq": frame["seq"]}
                for message in news:
                    await self.on_message(socket, message)
                print(f"joined {frame['room_id']} at {frame['seq']}", flush=True)
            case "reset":
                self.since = {"epoch": frame["epoch"], "seq": frame["seq"]}
            case "text" | "edit" | "delete" | "reaction":
                self.since["seq"] = frame["seq"]
                await self.on_message(socket, frame)
            case "ack":
                self.unacked.pop(frame["nonce"], None)
            case "error":
                self.on_error(socket, frame)

    def news(self, joined):
        """The messages of the page that we have not seen. On the first join, and in a new epoch, nobody can tell."""
        if self.since is None or self.since["epoch"] != joined["epoch"]:
            return []
        if not joined["recovered"]:
            print("some messages may have been missed", file=sys.stderr)
        return [message for message in joined["messages"] if message["seq"] > self.since["seq"]]

    def on_error(self, socket, frame):
        code, nonce = frame["code"], frame.get("nonce")
        if code == "bad_token":
            self.token = None
        elif code in PASSING and nonce in self.unacked:
            repetition = asyncio.create_task(self.repeat(socket, nonce, frame.get("retry_after_ms", 1000)))
            self.repetitions.add(repetition)
            repetition.add_done_callback(self.repetitions.discard)
            return
        elif code in PASSING and nonce is None:
            # We are not in the room: try again from the beginning.
            raise ConnectionError(frame["content"])
        self.unacked.pop(nonce, None)
        print(f"refused: {frame['content']} ({code})", file=sys.stderr)

    async def repeat(self, socket, nonce, wait_ms):
        await asyncio.sleep(wait_ms / 1000)
        if nonce in self.unacked:
            try:
                await socket.send(self.unacked[nonce])
            except websockets.ConnectionClosed:
                pass  # It is sent again over the next connection.

    async def on_message(self, socket, message):
        if message["type"] == "text" and message["content"] == "!time":
            now = datetime.datetime.now().astimezone().strftime("%H:%M")
            await self.post(socket, type="react", ref=message["seq"], emoji="👍", on=True)
            await self.post(socket, type="text", content=f"{message['username']}, it is {now}")

    async def post(self, socket, **fields):
        nonce = uuid.uuid4().hex
        frame = json.dumps({"room_id": self.room, "nonce": nonce, **fields})
        self.unacked[nonce] = frame
        await socket.send(frame)

    async def send(self, socket, **frame):
        await socket.send(json.dumps({key: value for key, value in frame.items() if value is not None}))


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:3000/ws"
    room = sys.argv[2] if len(sys.argv) > 2 else "general"
    try:
        asyncio.run(Bot(url, room).run())
    except KeyboardInterrupt:
        pass

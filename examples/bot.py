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


class Bot:
    def __init__(self, url, room):
        self.url = url
        self.room = room
        self.token = None  # Keeps our user over a reconnect.
        self.since = None  # The position up to which we have seen the room.
        self.unacked = {}  # nonce -> frame: sent again until the ack comes, posted once.

    async def run(self):
        delay = 1
        while True:
            try:
                async with websockets.connect(self.url, subprotocols=["adda.v1"]) as socket:
                    delay = 1
                    await self.talk(socket)
            except (OSError, websockets.WebSocketException) as error:
                print(f"connection lost: {error}", file=sys.stderr)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 30)

    async def talk(self, socket):
        welcome = json.loads(await socket.recv())
        if self.token:
            await self.send(socket, type="auth", token=self.token)
        else:
            self.token = welcome["token"]
        await self.send(socket, type="join", room_id=self.room, since=self.since)
        for frame in list(self.unacked.values()):
            await socket.send(frame)
        async for text in socket:
            await self.on_frame(socket, json.loads(text))

    async def on_frame(self, socket, frame):
        match frame["type"]:
            case "auth_success":
                self.token = frame["token"]
            case "error" if frame["code"] == "bad_token":
                self.token = None
            case "joined":
                # Without a position this is the first join: earlier messages are not for the bot.
                messages = frame["messages"] if self.since else []
                self.since = {"epoch": frame["epoch"], "seq": frame["seq"]}
                for message in messages:
                    await self.on_message(socket, message)
                print(f"joined {frame['room_id']} at {frame['seq']}", flush=True)
            case "reset":
                self.since = {"epoch": frame["epoch"], "seq": frame["seq"]}
            case "text" | "edit" | "delete" | "reaction":
                self.since["seq"] = frame["seq"]
                await self.on_message(socket, frame)
            case "ack":
                self.unacked.pop(frame["nonce"], None)

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

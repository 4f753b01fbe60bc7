"""Values of the description's own formats, whose rules no schema tells, and of dates to come.

Rooms and users are few, so that requests meet what others have left.
"""

import os
from datetime import datetime

import schemathesis
from hypothesis import strategies as st

NAMES = st.text("abcdefghijklmnopqrstuvwxyzকখগঘ", min_size=1, max_size=32)

FORMATS = {
    "room-id": st.sampled_from(["general", "আড্ডা", "a b", os.environ["ROOM"]]),
    "room-title": NAMES,
    "user-id": st.sampled_from([os.environ["USER_ID"], "u", "রহিম"]),
    "username": NAMES,
    "message": st.text(max_size=50).map(lambda text: "ক" + text.replace("\0", "")),
    "line": st.just("") | NAMES,
    "search-text": NAMES,
    "emoji": st.sampled_from(["👍", "❤️", "👩🏽‍🚀", "🇧🇩"]),
    "nonce": st.uuids().map(str),
    "new-password": st.text("bcdfghjkmnpqrstvwxz", min_size=8, max_size=60).map(lambda text: "5ক" + text),
    "date-time": st.datetimes(datetime(2100, 1, 1), datetime(2999, 1, 1)).map(lambda time: time.isoformat() + "Z"),
}

for name, values in FORMATS.items():
    schemathesis.openapi.format(name, values)

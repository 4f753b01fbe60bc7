#!/usr/bin/env bash
# Posts a message and reads the room, with curl alone.   post.sh TEXT [ROOM] [ADDRESS]
set -euo pipefail
text=${1:?usage: post.sh TEXT [ROOM] [ADDRESS]} room=${2:-general} address=${3:-http://localhost:3000}

# The same key sent again is answered with the first ack: a post that timed out is safe to repeat. A guest's content is
# part of the key; with "Authorization: Bearer TOKEN" the user is.
key=$(cat /proc/sys/kernel/random/uuid)
body=$(python3 -c 'import json, sys; print(json.dumps({"content": sys.argv[1], "username": "curl"}))' "$text")

curl --fail-with-body --silent --show-error --retry 3 --retry-all-errors \
  --header 'content-type: application/json' --header "idempotency-key: $key" \
  --data "$body" "$address/api/rooms/$room/messages"
echo
curl --fail-with-body --silent --show-error "$address/api/rooms/$room/messages?limit=5"
echo

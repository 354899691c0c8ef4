#!/usr/bin/env bash
# Starts a node that is a network by itself and lets real clients at it: run.sh TEJIDO [PYTHON]
set -euo pipefail
tejido=$1 python=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
house=$(mktemp -d)
trap 'kill "${node:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$house"' EXIT
echo '{"resourceType":"Organization","id":"casa","name":"Casa"}' >"$house/seed.ndjson"
"$tejido" import "$house/seed.ndjson" --data "$house/node" >/dev/null
port=$(node -e 's=require("net").createServer();s.listen(0,()=>{console.log(s.address().port);s.close()})')
sed -i "/^\[public\]/,/^\[/ { s|^listen = .*|listen = \"127.0.0.1:$port\"|; s|^base = .*|base = \"https://localhost:$port\"| }
/^\[node\]/,/^\[/ s|^listen = .*|listen = \"127.0.0.1:0\"|" "$house/node/node.toml"
"$tejido" account add --config "$house/node/node.toml" --login clients --role system --name Clients >/dev/null 2>&1
token=$("$tejido" token --config "$house/node/node.toml" --login clients 2>/dev/null)
"$tejido" serve --config "$house/node/node.toml" 2>"$house/said" &
node=$!
for _ in $(seq 1 120); do
  grep -q " runs: " "$house/said" && break
  kill -0 "$node" || { cat "$house/said"; exit 1; }
  sleep 0.25
done
node "$here/story.mjs" "https://localhost:$port" "$house/node/https.crt" "$token" $python

#!/usr/bin/env bash
# Builds this policy with exactly the tools in the lock file: build.sh FOLDER writes FOLDER/quiet-hours.wasm, and
# keeps the tools in FOLDER. Needs Node.js and an npm registry; the lock file names none, so that the one
# configured on the machine is used.
set -euo pipefail

sources=$(cd "$(dirname "$0")" && pwd)
folder=$1

bash "$sources/../../tests/client/node.sh"
mkdir -p "$folder"
cp -rL "$sources"/*.js "$sources"/package.json "$sources"/package-lock.json "$sources"/wit "$folder"
cd "$folder"
npm ci --no-audit --no-fund --loglevel=error --omit-lockfile-registry-resolved >&2
npm run --silent build >&2

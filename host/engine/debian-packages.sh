#!/usr/bin/env bash
# usage: debian-packages.sh FOLDER PACKAGE…
#
# Downloads Debian packages into FOLDER, including those of their dependencies that are not
# installed. Uses its own package lists and caches: needs no root and does not touch the system's.
set -euo pipefail

folder=$1
shift

for needed in apt-get apt-cache dpkg-query; do
  command -v "$needed" >/dev/null || { echo "no $needed here: this needs Debian" >&2; exit 1; }
done
mkdir -p "$folder"
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
mkdir -p "$private"/{lists/partial,cache/archives/partial}
apt=(-qq -o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache"
  -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none)

# An unreachable source may not be the one that is needed.
apt-get "${apt[@]}" update || true

# `name:architecture` and `<virtual>` entries are aliases of other packages.
dependencies() {
  apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances "$@" | grep -E '^[a-z0-9][^:]*$'
}
is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q ' installed$'; }

missing=()
for package in $(dependencies "$@"); do
  is_installed "$package" || missing+=("$package")
done
cd "$folder"
apt-get "${apt[@]}" download "${missing[@]}"

#!/usr/bin/env bash
# Makes node and npm available: installs Debian's packages if they are missing and this is root or
# sudo needs no password. (Debian's node does not run when unpacked elsewhere, as is done with the
# guests' compiler: it looks for some of its files in /usr/share.)
set -euo pipefail

complete() { command -v node >/dev/null && command -v npm >/dev/null; }

if complete; then exit 0; fi
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
if ! "${as_root[@]}" true 2>/dev/null; then
  echo "Node.js is missing and this user may not install it: sudo apt-get install nodejs npm" >&2
  exit 1
fi
echo "installing Debian's packages nodejs and npm (about a minute)" >&2
"${as_root[@]}" apt-get -qq update >&2 || true
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install --yes --no-install-recommends nodejs npm >/dev/null
complete

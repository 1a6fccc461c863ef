#!/usr/bin/env bash
# Prints a PATH on which node and npm are found, making Debian's available if the machine has none:
# installed when run by root (or where sudo asks for no password), otherwise unpacked into
# .toolchain/node.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=$root/.toolchain/node

complete() { PATH=$1 command -v node >/dev/null && PATH=$1 command -v npm >/dev/null; }
found() { echo "$1"; exit 0; }

if complete "$PATH"; then found "$PATH"; fi
if complete "$home/bin:$PATH"; then found "$home/bin:$PATH"; fi

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
if "${as_root[@]}" true 2>/dev/null; then
  echo "installing Debian's packages nodejs and npm (about a minute)" >&2
  "${as_root[@]}" apt-get -qq update >&2 || true
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" \
    apt-get -qq install --yes --no-install-recommends nodejs npm >&2
  found "$PATH"
fi

echo "unpacking Debian's packages nodejs and npm into .toolchain/node (about a minute)" >&2
rm -rf "$home"
"$root/host/engine/debian-packages.sh" "$home/packages" nodejs npm >&2
for package in "$home"/packages/*.deb; do dpkg-deb -x "$package" "$home"; done
rm -rf "$home/packages"
mkdir -p "$home/bin"
for program in node npm; do
  cat >"$home/bin/$program" <<'WRAPPER'
#!/bin/sh
home=$(dirname "$(dirname "$(readlink -f "$0")")")
for folder in "$home"/usr/lib/*-linux-gnu "$home"/lib/*-linux-gnu; do
  LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH NODE_PATH="$home/usr/share/nodejs"
WRAPPER
done
echo 'exec "$home/usr/bin/node" "$@"' >>"$home/bin/node"
echo 'exec "$home/usr/bin/node" "$home/usr/share/nodejs/npm/bin/npm-cli.js" "$@"' >>"$home/bin/npm"
chmod +x "$home/bin/node" "$home/bin/npm"
found "$home/bin:$PATH"

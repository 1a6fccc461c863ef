#!/usr/bin/env bash
# Makes the libraries of requirements.txt available in a virtual environment: python.sh FOLDER. Installs Debian's packages
# python3 and python3-venv if they are missing and this is root or sudo needs no password.
set -euo pipefail

folder=$1
here=$(cd "$(dirname "$0")" && pwd)

complete() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

if ! complete; then
  as_root=()
  if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
  if ! "${as_root[@]}" true 2>/dev/null; then
    echo "Python is missing and this user may not install it: sudo apt-get install python3-venv" >&2
    exit 1
  fi
  echo "installing Debian's package python3-venv" >&2
  "${as_root[@]}" apt-get -qq update >&2 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
  complete
fi
# The environment is made anew when the list of libraries changes.
if ! cmp -s "$here/requirements.txt" "$folder/requirements.txt"; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$folder/requirements.txt"
fi

#!/usr/bin/env bash
# Prints the path of a compiler for the guests' target, and provides the target's standard library if
# it is not installed. Routes, in this order (CAUSEWAY_GUEST_TOOLCHAIN selects one):
#   installed  the compiler in PATH has it; nothing is downloaded
#   rustup     rustup adds it to that compiler
#   debian     Debian's compiler and library sources are unpacked into .toolchain/ and the library
#              is built from them, once; needs no root and installs nothing on the system
set -euo pipefail

target=wasm32-unknown-unknown
route=${CAUSEWAY_GUEST_TOOLCHAIN:-any}
rustc=${RUSTC:-rustc}
tools=$(cd "$(dirname "$0")/../.." && pwd)/.toolchain
# Longer than the download takes on a slow line; an unreachable server must not block the build.
rustup_timeout_s=120

say() { echo "$*" >&2; }

has_target() {
  compgen -G "$("$1" --print target-libdir --target "$target" 2>/dev/null)/libcore-*.rlib" >/dev/null
}

allowed() { [ "$route" = any ] || [ "$route" = "$1" ]; }

found() { echo "$1"; exit 0; }

from_rustup() {
  command -v rustup >/dev/null || return 1
  say "installing the Rust target $target with rustup (a few seconds)"
  timeout "$rustup_timeout_s" rustup target add "$target" >&2
}

case $route in any | installed | rustup | debian) ;; *)
  say "CAUSEWAY_GUEST_TOOLCHAIN must be installed, rustup or debian, not $route"
  exit 1
  ;;
esac
if [ "$route" != debian ] && has_target "$rustc"; then found "$rustc"; fi
if allowed debian && has_target "$tools/bin/rustc"; then found "$tools/bin/rustc"; fi
if allowed rustup && from_rustup && has_target "$rustc"; then found "$rustc"; fi
if allowed debian; then
  "$(dirname "$0")/toolchain-debian.sh" "$target" "$tools" >&2
  if has_target "$tools/bin/rustc"; then found "$tools/bin/rustc"; fi
fi
say "$rustc has no standard library for $target, and it could not be provided (route: $route)."
say "On another machine with Rust: rustup target add $target"
exit 1

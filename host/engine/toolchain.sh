#!/usr/bin/env bash
# Prints the compiler for the guests' target, making its standard library ready when it is not.
# CAUSEWAY_GUEST_TOOLCHAIN=installed allows no download.
set -euo pipefail
target=wasm32-unknown-unknown
rustc=${RUSTC:-rustc}

has_target() {
  compgen -G "$("$rustc" --print target-libdir --target "$target")/libcore-*.rlib" >/dev/null
}

if ! has_target && [ "${CAUSEWAY_GUEST_TOOLCHAIN:-}" != installed ]; then
  echo "installing the Rust target $target (a few seconds)" >&2
  timeout 120 rustup target add "$target" >&2 || true
fi
if ! has_target; then
  echo "$rustc has no standard library for $target: rustup target add $target" >&2
  exit 1
fi
echo "$rustc"

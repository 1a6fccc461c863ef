#!/usr/bin/env bash
# usage: toolchain-debian.sh TARGET TOOLS
#
# Creates a compiler with a standard library for TARGET at TOOLS/bin/rustc from Debian's packages:
# they are downloaded with our own package lists and unpacked, not installed. The library is built
# once from Debian's source (the prebuilt one may belong to an older compiler).
set -euo pipefail

target=$1
tools=$2
cargo=${CARGO:-cargo}
home=$tools/debian

# Two builds at once would unpack into each other.
mkdir -p "$tools"
exec 9>"$tools/debian.lock"
flock 9
[ -e "$home/ready" ] && exit 0

echo "creating a compiler for $target from Debian's packages in .toolchain/ (once: 150 MB, about two minutes)"

rm -rf "$home"
mkdir -p "$home"
"$(dirname "$0")/debian-packages.sh" "$home/packages" rustc-web rust-web-src
for package in "$home"/packages/*.deb; do
  case $package in
    # Only the library's sources: the compiler's are ten times as many.
    */rust-web-src_*) dpkg-deb --fsys-tarfile "$package" | tar -x -C "$home" --wildcards \
      --no-wildcards-match-slash './usr/src/rustc-*/library' ;;
    *) dpkg-deb -x "$package" "$home" ;;
  esac
done
rm -rf "$home/packages"

# Debian's compiler finds its shared libraries in the unpacked tree; the WebAssembly linker comes
# from the installed Rust.
machine=$(rustc --print host-tuple)
linker=$(rustc --print sysroot)/lib/rustlib/$machine/bin/rust-lld
[ -x "$linker" ] || { echo "no rust-lld at $linker" >&2; exit 1; }
mkdir -p "$home/usr/lib/rustlib/$machine/bin" "$tools/bin"
ln -sf "$linker" "$home/usr/lib/rustlib/$machine/bin/rust-lld"
cat >"$home/rustc" <<'WRAPPER'
#!/bin/sh
home=$(dirname "$(readlink -f "$0")")
for folder in "$home"/usr/lib/*-linux-gnu "$home"/lib/*-linux-gnu; do
  LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$home/usr/bin/rustc" "$@"
WRAPPER
chmod +x "$home/rustc"

# Builds the library through an empty crate. Fat LTO of the guests needs the bitcode.
mkdir -p "$home/usr/lib/rustlib/src"
ln -sfn "$(cd "$home/usr/src" && echo "$PWD"/rustc-*)" "$home/usr/lib/rustlib/src/rust"
library=$home/usr/lib/rustlib/$target/lib
mkdir -p "$home/empty/src" "$library"
touch "$home/empty/src/lib.rs"
printf '[package]\nname = "empty"\nedition = "2021"\n[workspace]\n' >"$home/empty/Cargo.toml"
(
  cd "$home/empty"
  unset CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET CARGO_BUILD_RUSTC \
    RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_RUSTC_WRAPPER CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER
  RUSTC=$home/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$home/usr/lib/rustlib/src/rust=/rust" \
    "$cargo" build --quiet --release --target "$target" --target-dir "$home/build" \
    -Zbuild-std=std,panic_abort
)
mv "$home/build/$target/release/deps"/lib*.rlib "$library/"
rm -f "$library"/libempty-*.rlib
rm -rf "$home/build" "$home/empty" "$home/usr/src" "$home/usr/lib/rustlib/src"
ln -sf ../debian/rustc "$tools/bin/rustc"
touch "$home/ready"

#!/bin/sh
# Tries the plugin without a server: sh test.sh (TROUPE names another troupe).
set -eu
cd "$(dirname "$0")"
troupe=${TROUPE:-troupe}
module=${TMPDIR:-/tmp}/test-$$.wasm
trap 'rm -f "$module"' EXIT
"$troupe" build . -o "$module" >/dev/null

# expect FUNCTION INPUT OUTPUT
expect() {
  output=$("$troupe" call "$module" "$1" --input "$2" 2>&1 | head -n 1)
  if [ "$output" != "$3" ]; then
    printf '%s %s\n  gives    %s\n  and not  %s\n' "$1" "$2" "$output" "$3" >&2
    exit 1
  fi
}

expect greet '{"name":"Ada"}' '{"text":"Hello, Ada!"}'
expect greet '{"name":"Zoë 🦊"}' '{"text":"Hello, Zoë 🦊!"}'
echo ok

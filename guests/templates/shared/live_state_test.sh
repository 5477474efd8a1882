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

expect init '' '{"count":0}'
expect add '[{"by":2},{"count":40}]' '{"count":42}'
expect add '[{"by":1},{"count":9223372036854775807}]' 'too large'
expect reset '[{},{"count":7}]' '{"count":0}'
echo ok

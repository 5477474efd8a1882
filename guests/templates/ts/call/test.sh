#!/bin/sh
# Tries the plugin without a server: ./test.sh (TROUPE names another troupe).
set -eu
cd "$(dirname "$0")"
troupe=${TROUPE:-troupe}

# expect FUNCTION INPUT OUTPUT
expect() {
  output=$("$troupe" call "{{NAME}}.ts" "$1" --input "$2" 2>&1) || true
  if [ "$output" != "$3" ]; then
    printf '%s %s\n  gives    %s\n  and not  %s\n' "$1" "$2" "$output" "$3" >&2
    exit 1
  fi
}

expect greet '{"name":"Ada"}' '{"text":"Hello, Ada!"}'
expect greet '' '{"text":"Hello, world!"}'
echo ok

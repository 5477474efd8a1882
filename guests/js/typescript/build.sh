#!/bin/sh
# Makes one program of strip.js and the packages it needs: guests/js/typescript/build.sh FILE
#
# Installs the packages of package-lock.json first where they are missing or older than it, as web/build.sh does.
set -eu
out=$(realpath -m "${1:?guests/js/typescript/build.sh: name the file to write}")
cd "$(dirname "$0")"
exec 9<package.json
flock 9
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --omit=dev --ignore-scripts --loglevel=error
fi
exec node_modules/.bin/esbuild strip.js --bundle --minify --format=iife --platform=neutral --main-fields=module,main \
  --target=es2022 --legal-comments=none --log-level=warning --sourcemap=external "--outfile=$out"

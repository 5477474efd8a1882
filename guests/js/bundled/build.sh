#!/bin/sh
# Makes one program of NAME.js and the packages it needs: guests/js/bundled/build.sh NAME FILE
#
# Installs the packages of package-lock.json first where they are missing or older than it, as web/build.sh does.
set -eu
name=${1:?guests/js/bundled/build.sh: name the program}
out=$(realpath -m "${2:?guests/js/bundled/build.sh: name the file to write}")
cd "$(dirname "$0")"
exec 9<package.json
flock 9
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --omit=dev --ignore-scripts --loglevel=error
fi
case $name in
  # A function that the core calls with its natives, and that returns the globals. URL is read at once, so that this
  # part of the core is there before the first pattern is.
  urlpattern)
    set -- --global-name=urlpattern '--banner:js=() => { "use strict"; void URL;' \
      '--footer:js=return { URLPattern: urlpattern.URLPattern }; }' ;;
  *) set -- ;;
esac
exec node_modules/.bin/esbuild "$name.js" --bundle --minify --format=iife --platform=neutral --main-fields=module,main \
  --target=es2022 --legal-comments=none --log-level=warning --sourcemap=external "$@" "--outfile=$out"

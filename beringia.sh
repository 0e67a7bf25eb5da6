#!/usr/bin/env bash
# Beringia on a fresh Debian 12 machine, in one command each:
#   ./beringia.sh demo [--no-cloud]   install, build, run the main job on real input
#   ./beringia.sh test                install, build, run all tests
#   ./beringia.sh build               install and build build/release/beringia
#   ./beringia.sh quick               unit tests and checks only (for developers)
#   ./beringia.sh sanitize [SECONDS]  all unit tests and fuzz targets under ASan and UBSan
#   ./beringia.sh tsan                the rooms with threads under ThreadSanitizer
#   ./beringia.sh bench               compare with nginx and S3 peers in one run
set -euo pipefail
cd "$(dirname "$0")"
jobs=$(nproc)
log() { printf '\n== [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# Packages of Debian that the build and the tests need. Does nothing when all are there.
install_packages() {
  local missing=()
  while read -r name; do
    [ -z "$name" ] && continue
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done < tools/apt-packages.txt
  [ ${#missing[@]} -eq 0 ] && return
  log "installing ${#missing[@]} packages"
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A Python environment with the pinned clients of the tests, made once per list.
install_clients() {
  local stamp
  stamp=$(sha256sum tests/requirements.txt | cut -c1-16)
  if [ ! -f "build/venv/$stamp" ]; then
    log "installing the test clients"
    rm -rf build/venv
    python3 -m venv build/venv
    build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
    touch "build/venv/$stamp"
  fi
}

# build PRESET [TARGET...]
build() {
  log "building ($*)"
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -j "$jobs" ${2:+--target "${@:2}"} -- --quiet 2>&1 | tail -n 40
}

run_unit_tests() {
  log "unit tests ($1)"
  ctest --test-dir "build/$1" --output-on-failure -j "$jobs" --timeout 300 \
    --repeat until-pass:2 >"build/$1/unit-tests.log" 2>&1 \
    || { grep -E '^\[  FAILED|Failure|Failed' "build/$1/unit-tests.log" | head -n 40; tail -n 30 "build/$1/unit-tests.log"; return 1; }
  tail -n 5 "build/$1/unit-tests.log"
}

# Real clients, faults and crashes against build/release. What fails is run once more by itself, because
# other work on the machine can make a client time out; the second try is in the output.
run_client_tests() {
  log "real clients, faults, crashes"
  local pytest=(build/venv/bin/python -m pytest -q -o cache_dir=build/pytest --timeout 600)
  "${pytest[@]}" tests && return
  log "once more, what failed"
  "${pytest[@]}" --last-failed --last-failed-no-failures none tests
}

check_house() {
  log "house rules"
  python3 tools/tidy/tidy.py
  git ls-files '*.h' '*.cc' | xargs clang-format-19 --dry-run -Werror
}

# Every parser, for a short time, under ASan and UBSan.
run_fuzzers() {
  log "fuzz targets"
  local seconds=${1:-8} failed=0 count=0
  for target in build/asan/src/*_fuzz; do
    [ -x "$target" ] || continue
    count=$((count + 1))
    mkdir -p "build/fuzz/$(basename "$target")"
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
      "build/fuzz/$(basename "$target")" >"build/fuzz/$(basename "$target").log" 2>&1 \
      || { failed=$((failed + 1)); tail -n 30 "build/fuzz/$(basename "$target").log"; }
  done
  echo "fuzz: $((count - failed)) passed, $failed failed"
  [ "$failed" -eq 0 ]
}

case "${1:-help}" in
  build)
    install_packages
    build release beringia
    ;;
  demo)
    install_packages
    build release beringia
    shift
    exec tools/demo/run.sh "$@"
    ;;
  sanitize)
    install_packages
    build asan
    run_unit_tests asan
    run_fuzzers "${2:-60}"
    ;;
  tsan)
    install_packages
    build tsan
    run_unit_tests tsan
    ;;
  bench)
    install_packages
    install_clients
    build release beringia
    shift
    exec build/venv/bin/python bench/run.py "$@"
    ;;
  quick)
    build dev
    check_house
    run_unit_tests dev
    ;;
  test)
    install_packages
    install_clients
    check_house
    build release
    run_unit_tests release
    run_client_tests
    log "all tests passed"
    ;;
  *)
    sed -n '2,9p' "$0"
    ;;
esac

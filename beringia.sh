#!/usr/bin/env bash
# Beringia on a fresh Debian 12 machine, in one command each:
#   ./beringia.sh demo [--no-cloud]   install, build, run the main job on real input
#   ./beringia.sh test                install, build, run all tests
#   ./beringia.sh build               install and build build/release/beringia
#   ./beringia.sh quick               unit tests and checks only (for developers)
#   ./beringia.sh sanitize [SECONDS]  all unit tests and fuzz targets under ASan and UBSan
#   ./beringia.sh fuzz [SECONDS]      the part of it that `test` runs: lower floors, and all fuzz targets
#   ./beringia.sh tsan                the rooms with threads under ThreadSanitizer
#   ./beringia.sh bench               compare with nginx and S3 peers in one run
set -euo pipefail
cd "$(dirname "$0")"
jobs=$(nproc)
log() { printf '\n== [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# What is not installed yet, by apt.
apt_install() {
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Packages of Debian that the build and the tests need. Does nothing when all are there.
install_packages() {
  local missing=()
  while read -r name; do
    [ -z "$name" ] && continue
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done < tools/apt-packages.txt
  [ ${#missing[@]} -eq 0 ] && return
  log "installing ${#missing[@]} packages"
  apt_install "${missing[@]}"
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

# What runs Spark: tests/engines fetches the pinned jars itself.
install_java() {
  command -v java >/dev/null && command -v mvn >/dev/null && return
  log "installing Java and Maven"
  apt_install openjdk-17-jre-headless maven
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

# The rooms whose unit tests the test command runs under ASan and UBSan; `sanitize` takes all.
sanitized_rooms=(base io observe wire kv backend meta identity access audit)

run_sanitized_tests() {
  log "unit tests (asan)"
  local failed=0
  printf '%s\n' "${sanitized_rooms[@]}" | xargs -P "$jobs" -I{} bash -c '
    timeout 600 build/asan/src/{}_test --gtest_brief=1 >build/asan/{}_test.log 2>&1' || failed=1
  for room in "${sanitized_rooms[@]}"; do
    if grep -q '^\[  PASSED  \]' "build/asan/${room}_test.log" && ! grep -q 'FAILED' "build/asan/${room}_test.log"; then
      printf '  %-10s %s\n' "$room" "$(grep -E '^\[==========\].* ran' "build/asan/${room}_test.log")"
    else
      failed=1
      printf '  %-10s FAILED\n' "$room"
      tail -n 40 "build/asan/${room}_test.log"
    fi
  done
  [ "$failed" -eq 0 ]
}

fuzz_targets() { find src -name '*_fuzz.cc' -exec basename -s .cc {} + | sort; }

# Every parser, for SECONDS each, under ASan and UBSan, starting from the examples that each target writes. A second
# argument goes to libFuzzer (the test command fixes the seed; searching is for `fuzz SECONDS`).
# What was found in earlier runs is kept in build/fuzz.
run_fuzzers() {
  log "fuzz targets, $1 s each"
  local targets failed=0
  mapfile -t targets < <(fuzz_targets)
  printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c '
    mkdir -p "build/fuzz/{}"
    build/asan/src/{} -max_total_time="$0" $1 -timeout=25 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/{}-" \
      "build/fuzz/{}" >"build/fuzz/{}.log" 2>&1' "$1" "${2:-}" || failed=1
  for target in "${targets[@]}"; do
    # The last line of a run that found nothing.
    if grep -q '^Done [0-9]* runs' "build/fuzz/$target.log"; then
      printf '  %-22s %s\n' "$target" "$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "build/fuzz/$target.log" | tail -n 1)"
    else
      failed=1
      printf '  %-22s FAILED\n' "$target"
      tail -n 30 "build/fuzz/$target.log"
    fi
  done
  [ "$failed" -eq 0 ]
}

# What the test command does with clang, ASan and UBSan.
check_sanitized() {
  local fuzzers
  mapfile -t fuzzers < <(fuzz_targets)
  build asan "${sanitized_rooms[@]/%/_test}" "${fuzzers[@]}"
  run_sanitized_tests
  run_fuzzers "$@"
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
  fuzz)
    install_packages
    check_sanitized "${2:-60}"
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
    install_java
    check_house
    build release
    run_unit_tests release
    run_client_tests
    check_sanitized 5 "-seed=1 -runs=20000"
    log "all tests passed"
    ;;
  *)
    sed -n '2,10p' "$0"
    ;;
esac

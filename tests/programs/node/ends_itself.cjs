// Burns 400 ms, tells the CPU time that its thread used meanwhile, and ends itself without an `exit` event, in the way its argument names.
'use strict';
const fs = require('fs');
const { burn } = require('./burn.cjs');

const how = process.argv[2];
/** In seconds. The kernel brings it up to date for who asks what the process used. */
function used() {
  process.cpuUsage();
  return Number.parseInt(fs.readFileSync('/proc/thread-self/schedstat', 'latin1'), 10) / 1e9;
}

const before = used();
burn(400);
fs.writeSync(1, `${used() - before}\n`);
if (how === 'reallyExit') {
  process.reallyExit(5);
} else {
  process.kill(process.pid, how);
}

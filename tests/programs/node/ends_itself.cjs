// Burns 400 ms, tells the CPU time it used meanwhile, and ends itself without an `exit` event, in the way its argument names.
'use strict';
const fs = require('fs');
const { burn } = require('./burn.cjs');

const how = process.argv[2];
const before = process.cpuUsage();
burn(400);
const { user, system } = process.cpuUsage(before);
fs.writeSync(1, `${(user + system) / 1e6}\n`);
if (how === 'reallyExit') {
  process.reallyExit(5);
} else {
  process.kill(process.pid, how);
}

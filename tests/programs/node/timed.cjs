// `timed.cjs PROGRAM ARGUMENTS…` runs another program unchanged, and at its end prints when it began and ended, and the seconds of
// CPU time this process took.
'use strict';
const { writeSync } = require('fs');
const path = require('path');

process.argv.splice(1, 1);
process.argv[1] = path.resolve(process.argv[1]);
const began = Date.now();
const beganCpu = process.cpuUsage();
// Before the profilers' own listeners, which write what they have.
process.prependListener('exit', () => {
  const { user, system } = process.cpuUsage(beganCpu);
  writeSync(1, `\nworked ${began / 1e3} ${Date.now() / 1e3} ${(user + system) / 1e6}\n`);
});
require(process.argv[1]);

// `timed.cjs PROGRAM ARGUMENTS…` runs another program unchanged, and at its end prints the seconds it took on the wall's clock, and of
// this process's own CPU time.
'use strict';
const { performance } = require('perf_hooks');
const { writeSync } = require('fs');
const path = require('path');

process.argv.splice(1, 1);
process.argv[1] = path.resolve(process.argv[1]);
const began = performance.now();
const beganCpu = process.cpuUsage();
// Before the profilers' own listeners, which write what they have.
process.prependListener('exit', () => {
  const { user, system } = process.cpuUsage(beganCpu);
  writeSync(1, `\nworked ${(performance.now() - began) / 1e3} ${(user + system) / 1e6}\n`);
});
require(process.argv[1]);

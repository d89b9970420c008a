// `timed.cjs PROGRAM ARGUMENTS…` runs another program unchanged, and at its end prints when it began and ended, and the seconds of
// CPU time this process took, and had taken before; before that, in milliseconds, the CPU time of its main thread and how long it took.
'use strict';
const { writeSync } = require('fs');
const path = require('path');

process.argv.splice(1, 1);
process.argv[1] = path.resolve(process.argv[1]);
const began = Date.now();
const beganCpu = process.cpuUsage();
const beganThread = process.threadCpuUsage();
// Before the profilers' own listeners, which write what they have.
process.prependListener('exit', () => {
  const { user, system } = process.cpuUsage(beganCpu);
  const own = process.threadCpuUsage(beganThread);
  writeSync(1, `\n${Math.round((own.user + own.system) / 1e3)} ${Date.now() - began}\n`);
  writeSync(1, `worked ${began / 1e3} ${Date.now() / 1e3} ${(user + system) / 1e6} ${(beganCpu.user + beganCpu.system) / 1e6}\n`);
});
require(process.argv[1]);

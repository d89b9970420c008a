// `timed.cjs PROGRAM ARGUMENTS…` runs another program unchanged, and at its end prints when it began and ended, and the seconds of
// CPU time this process took, and had taken before; before that, in milliseconds, the CPU time of its main thread and how long it took, and that of each thread by its name.
'use strict';
const { readdirSync, readFileSync, writeSync } = require('fs');
const path = require('path');

process.argv.splice(1, 1);
process.argv[1] = path.resolve(process.argv[1]);
const began = Date.now();
const beganCpu = process.cpuUsage();
const beganThread = process.threadCpuUsage();
// Before the profilers' own listeners, which write what they have.
process.prependListener('exit', () => {
  const { user, system } = process.cpuUsage(beganCpu);
  const threads = readdirSync('/proc/self/task').map((thread) => `/proc/self/task/${thread}/`);
  const read = (file) => readFileSync(file, 'latin1').trim();
  const used = threads.map((thread) => [read(`${thread}comm`), Number.parseInt(read(`${thread}schedstat`), 10) / 1e6]);
  const own = process.threadCpuUsage(beganThread);
  writeSync(1, `\n${Math.round((own.user + own.system) / 1e3)} ${Date.now() - began}\n`);
  writeSync(1, `threads ${JSON.stringify(used)}\n`);
  writeSync(1, `worked ${began / 1e3} ${Date.now() / 1e3} ${(user + system) / 1e6} ${(beganCpu.user + beganCpu.system) / 1e6}\n`);
});
require(process.argv[1]);

// Prints the heap's limit in MB, or a child's that has limits.env, too.
'use strict';
if (process.argv[2] === 'child') {
  require('child_process').spawnSync(process.execPath, ['--env-file=limits.env', __filename], { stdio: 'inherit' });
} else {
  console.log(Math.trunc(require('v8').getHeapStatistics().heap_size_limit / 1e6));
}

// Starts itself as a child process in two ways, tells what NODE_OPTIONS it sees, and ends with the child's status.
'use strict';
const { execFileSync, fork } = require('child_process');
const { burn } = require('./burn.cjs');

function child() {
  burn(400);
}

if (process.argv[2] === 'child') {
  child();
  process.exit(7);
} else {
  console.log(JSON.stringify({ nodeOptions: process.env.NODE_OPTIONS ?? null, ours: 'MULTI_LANG_PROFILER_NODE' in process.env }));
  try {
    execFileSync(process.execPath, [__filename, 'child']);
  } catch (error) {
    console.log(error.status);
  }
  fork(__filename, ['child']).on('exit', (code) => process.exit(code));
}

// Becomes another program of Node.js, in the same process.
'use strict';
const { burn } = require('./burn.cjs');

if (process.argv[2] !== 'second') {
  burn(200);
  process.execve(process.execPath, [process.execPath, __filename, 'second'], process.env);
}
burn(300);
console.log('second');
process.exitCode = 9;

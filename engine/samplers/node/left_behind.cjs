'use strict';

// What the main thread profiled of itself and no helper was there to hand over is left in a file, as a thread can write to no socket and wait
// for it. In a child that a program forks, and in what was short the last time, there is no helper until it has used some CPU: to start it
// takes twice what such a process may do in all. Loaded when there is something to leave.

const fs = require('fs');
const path = require('path');
const { compact, plain } = require('./board.cjs');
const { Scripts, mapsHere } = require('./scripts.cjs');

let files = 0;
const scripts = new Scripts();

/** Leave a window of the process's `own` profile where the sampler, which listens on `socket`, looks for it; `told` is what it is to know of the process. */
function leaveBehind({ profile: text, interval, readings, waited }, own, socket, told) {
  const profile = text && JSON.parse(text).result.profile;
  if (!profile?.samples.length) {
    return;
  }
  const window = plain(compact(profile, interval));
  const maps = mapsHere(scripts, window.frames, () => parsedScripts(own.connection));
  const [at = 0, beganNs, , endedNs] = readings;
  write(socket, [
    { type: 'hello', at, ...(own.isAsked ? {} : { beganNs, endedNs }), ...told },
    ...maps.map((map) => ({ type: 'map', folder: process.cwd(), ...map })),
    { type: 'window', thread: 0, name: '', cpuTimes: readings, waited, ...window },
    { type: 'left' },
  ]);
}

/** What V8 tells a debugger of all scripts. */
function parsedScripts(connection) {
  const parsed = [];
  connection.heard = (text) => {
    const { method, params } = JSON.parse(text);
    if (method === 'Debugger.scriptParsed') {
      parsed.push(params);
    }
  };
  connection.ask('Debugger.enable');
  connection.ask('Debugger.disable');
  connection.heard = () => {};
  return parsed;
}

/** Write messages, framed as on the socket. */
function write(socket, messages) {
  const frames = messages.flatMap((message) => {
    const payload = Buffer.from(JSON.stringify(message));
    const header = Buffer.alloc(4);
    header.writeUInt32BE(payload.length);
    return [header, payload];
  });
  files += 1;
  const file = path.join(path.dirname(socket), `${process.pid}-${files}`);
  fs.writeFileSync(`${file}.part`, Buffer.concat(frames), { mode: 0o600 });
  fs.renameSync(`${file}.part`, `${file}.left`);
}

module.exports = { leaveBehind };

'use strict';

// The main thread's own profile, where its helper is not there in time: on a busy machine that takes longer than a program may be kept
// waiting. A program that has ended by then leaves its profile in a file, as a thread can write to no socket and wait for it. Else the
// helper takes over, or asks this one for its windows where a second profile would not know what was compiled under the first
// (Node.js 24: what is inlined would count for its callers).

const fs = require('fs');
const path = require('path');
const { Session } = require('inspector');
const { nowUs, usedNs, intervalToAskUs, compact, plain } = require('./board.cjs');
const { Scripts, mapsHere } = require('./scripts.cjs');

let files = 0;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB

class EarlyProfile {
  constructor({ intervalUs, takesCpuTimes, titles }, kernelId, { begin, end }) {
    this.anchors = { begin, end, titles: [...titles], samples: 0 };
    this.kernelId = takesCpuTimes ? kernelId : undefined;
    this.session = new Session();
    this.session.connect();
    this.askedUs = intervalToAskUs(intervalUs);
    this.ask('Profiler.enable');
    this.ask('Profiler.setSamplingInterval', { interval: this.askedUs });
    this.ask('Profiler.start');
    begin(titles[0]); // An anchor, as the helper has it.
    this.since = this.reading();
  }

  /** As `end`, and go on. */
  rotate() {
    const profile = this.ask('Profiler.stop')?.profile;
    this.ask('Profiler.start');
    const { anchors } = this;
    anchors.samples += profile?.samples.length ?? 0;
    if (anchors.samples > MAX_ANCHOR_SAMPLES) {
      anchors.samples = 0;
      anchors.titles.reverse();
      anchors.begin(anchors.titles[0]);
      anchors.end(anchors.titles[1]);
    }
    return this.window(profile);
  }

  /** The window, if it has samples, with its source maps, and when it was that the thread had used how much, in µs and ns. */
  end() {
    const window = this.window(this.ask('Profiler.stop')?.profile);
    window.maps = window.window ? mapsHere(new Scripts(), window.window.frames, this.session) : [];
    this.anchors.end(this.anchors.titles[0]);
    this.session.disconnect();
    return window;
  }

  window(profile) {
    const now = this.reading();
    const readings = [...this.since, ...now];
    this.since = now;
    return { window: profile?.samples.length ? plain(compact(profile, this.askedUs)) : undefined, readings };
  }

  /** A session on its own thread answers before `post` returns. */
  ask(method, params) {
    let answer;
    this.session.post(method, params, (error, result) => {
      answer = error ? undefined : result;
    });
    return answer;
  }

  reading() {
    const used = this.kernelId === undefined ? undefined : usedNs(this.kernelId);
    return used === undefined ? [] : [nowUs(), used];
  }
}

/** Write messages, framed as on the socket, where the sampler looks for them. */
function leaveBehind(socket, messages) {
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

module.exports = { EarlyProfile, leaveBehind };

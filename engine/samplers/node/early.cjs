'use strict';

// The main thread's own profile, where it has no helper. In a child that a program forks there is none until it has used some CPU: to start
// it takes twice what such a child may do in all. Elsewhere it may not be there in time: on a busy machine that takes longer than a program
// may be kept waiting. What was profiled is left in a file. When the helper comes it takes over, or asks this one for its windows where a second profile would not know what was compiled under the first
// (Node.js 24: what is inlined would count for its callers).

const { Session } = require('inspector');
const { WORDS, nowUs, usedNs, intervalToAskUs, compact, plain } = require('./board.cjs');
const { leaveBehind } = require('./left_behind.cjs');
const { Scripts, mapsHere } = require('./scripts.cjs');

const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const EARLY_WAITED_US = 1e6; // for a core: where there is no helper, the machine may be busy

class EarlyProfile {
  constructor({ intervalUs, takesCpuTimes, titles, socket }, words, { begin, end }) {
    this.socket = socket;
    this.words = words;
    const kernelId = words[WORDS.KERNEL_ID];
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
    this.words[WORDS.HANDED_MS] = (this.since[1] ?? 0) / 1e6;
    this.scripts = new Scripts();
    this.isAsked = false; // for its windows by the helper, which from then on counts for them
  }

  /** CPU time that is in no window yet, in ms. */
  owesMs() {
    return ((this.reading()[1] ?? 0) - (this.since[1] ?? 0)) / 1e6;
  }

  /** Leave the window behind in a file, and go on or end; `told` is what the sampler is to know of the process. */
  leaveBehind(told, isLast) {
    const { window, readings, maps } = isLast ? this.end() : this.rotate();
    if (window) {
      const [at = 0, beganNs, , endedNs] = readings;
      const hello = { type: 'hello', at, ...(this.isAsked ? {} : { beganNs, endedNs }), ...told };
      const found = (maps ?? this.maps(window)).map((map) => ({ type: 'map', folder: process.cwd(), ...map }));
      const counted = { type: 'window', thread: 0, name: '', cpuTimes: readings, waited: EARLY_WAITED_US, ...window };
      leaveBehind(this.socket, [hello, ...found, counted, { type: 'left' }]);
    }
  }

  maps(window) {
    return mapsHere(this.scripts, window.frames, this.session);
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
    window.maps = window.window ? this.maps(window.window) : [];
    this.anchors.end(this.anchors.titles[0]);
    this.session.disconnect();
    return window;
  }

  window(profile) {
    const now = this.reading();
    const readings = [...this.since, ...now];
    this.since = now;
    this.words[WORDS.HANDED_MS] = (now[1] ?? 0) / 1e6;
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

module.exports = { EarlyProfile };

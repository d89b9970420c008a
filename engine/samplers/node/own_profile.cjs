'use strict';

// The main thread's own profile. It begins ahead of the program's first line, without waiting for anybody, and goes on until the process ends
// or, on Node.js 20, until the helper takes over; from Node.js 22 on the helper asks for its windows, as a second profile would not know what
// was compiled under the first (what is inlined would count for its callers). A process that ends before it has a helper leaves a window
// behind, see `left_behind.cjs`. Windows are text as V8 gave it: to read it takes longer than to profile, and is left to the helper.

const { WORDS, nowUs, schedstat, intervalToAskUs } = require('./board.cjs');

const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const ANSWER = /^\{"id":(\d+),"(\w+)"/;

class OwnProfile {
  /** `begin` and `end` are V8's `console.profile` and `console.profileEnd`. Throws where a process may not be inspected. */
  constructor({ intervalUs, takesCpuTimes, titles }, words, { begin, end }) {
    this.words = words;
    this.kernelId = takesCpuTimes ? words[WORDS.KERNEL_ID] : undefined;
    this.update = process.cpuUsage;
    this.connection = connect();
    this.interval = intervalToAskUs(intervalUs);
    this.connection.ask('Profiler.enable');
    this.connection.ask('Profiler.setSamplingInterval', { interval: this.interval });
    this.connection.ask('Profiler.start');
    // Beside the windows, see main_thread.cjs.
    this.anchor = { begin, end, titles: [...titles] };
    this.moveAnchor();
    this.since = this.reading();
    words[WORDS.HANDED_MS] = this.since.usedNs / 1e6;
    this.isAsked = false; // for its windows by the helper, which from then on counts for them
  }

  /** CPU time of the thread that is in no window yet, in ms. */
  owesMs() {
    return (this.reading().usedNs - this.since.usedNs) / 1e6;
  }

  /** Close the window and open the next one. */
  rotate() {
    const profile = this.connection.ask('Profiler.stop');
    this.connection.ask('Profiler.start');
    if (nowUs() >= this.anchor.untilUs) {
      this.moveAnchor();
      this.anchor.end(this.anchor.titles[1]);
    }
    return this.window(profile);
  }

  /** Close the last window. What there is to be asked about it, `close` ends. */
  end() {
    return this.window(this.connection.ask('Profiler.stop'));
  }

  close() {
    this.anchor.end(this.anchor.titles[0]);
    this.connection.close();
  }

  /** A new anchor, before the old one is lifted. */
  moveAnchor() {
    this.anchor.titles.reverse();
    this.anchor.begin(this.anchor.titles[0]);
    this.anchor.untilUs = nowUs() + MAX_ANCHOR_SAMPLES * this.interval;
  }

  /** V8's answer as text, with when it was that the thread had used how much, in µs and ns, and how long it waited for a core, in µs. */
  window(profile) {
    const { since, interval } = this;
    this.since = this.reading();
    this.words[WORDS.HANDED_MS] = this.since.usedNs / 1e6;
    const readings = this.kernelId ? [since.atUs, since.usedNs, this.since.atUs, this.since.usedNs] : [];
    return { profile, interval, readings, waited: (this.since.waitedNs - since.waitedNs) / 1000 };
  }

  reading() {
    this.update(); // The kernel brings a thread's time up to date for who asks what the process used.
    const [usedNs, waitedNs] = (this.kernelId && schedstat(this.kernelId)) || [0, 0];
    return { atUs: nowUs(), usedNs, waitedNs };
  }
}

/**
 * V8's inspector on this very thread, which answers before `ask` returns: with a message as text, or undefined. `heard` is called with
 * what it says besides.
 */
function connect() {
  let calls = 0;
  const answers = new Map(); // by a call's number
  const connection = { heard: () => {} };
  const hear = (text) => {
    const [, id, kind] = ANSWER.exec(text) ?? [];
    if (id) {
      answers.set(Number(id), kind === 'result' ? text : undefined);
    } else {
      connection.heard(text);
    }
  };
  const { dispatch, disconnect } = channel(hear);
  connection.close = disconnect;
  connection.ask = (method, params) => {
    calls += 1;
    const id = calls; // What the helper asks for may come in between.
    dispatch(id, method, params);
    const answer = answers.get(id);
    answers.delete(id);
    return answer;
  };
  return connection;
}

/** What `inspector.Session` is made of gives text; where that is not to be had without a warning, the text is made anew. */
function channel(hear) {
  const isWarning = process.env.NODE_PENDING_DEPRECATION === '1' || /--pending-deprecation/.test([process.execArgv, process.env.NODE_OPTIONS]);
  const { Connection } = isWarning ? {} : process.binding('inspector');
  if (Connection) {
    const connection = new Connection(hear);
    return {
      dispatch: (id, method, params) => connection.dispatch(JSON.stringify({ id, method, params })),
      disconnect: () => connection.disconnect(),
    };
  }
  const session = new (require('inspector').Session)();
  session.connect();
  session.on('inspectorNotification', (message) => hear(JSON.stringify(message)));
  return {
    dispatch: (id, method, params) => session.post(method, params, (error, result) => error || hear(JSON.stringify({ id, result }))),
    disconnect: () => session.disconnect(),
  };
}

module.exports = { OwnProfile };

'use strict';

// How much CPU time a thread of this process had used when, from the kernel's scheduler: V8's samples alone tell running from waiting
// badly. And how long it was kept from running: on a machine with more to do than cores, where V8's own thread comes late as well.

const fs = require('fs');
const { nowUs } = require('./board.cjs');

const MAX_READINGS = 20_000;
// To wake up costs this thread some 160 µs. While a thread just runs, or just waits, its CPU time need not be read so often to tell where
// it went; once one has done both, for a second it is.
const SELDOM = 5;
const MIXED_US = 1_000_000;
const [LEAST_MIXED, MOST_MIXED] = [0.1, 0.9];

const buffer = Buffer.alloc(96);
let own; // of the thread that reads here: like V8's sampling thread, it wakes up often and for a moment

/** The CPU time that a thread has used and the time it has waited for a core, both in ns; see proc_pid_schedstat(5). */
function readSchedstat(file) {
  return buffer.latin1Slice(0, fs.readSync(file, buffer, 0, buffer.length, 0)).split(' ', 2).map(Number);
}

function open(task) {
  try {
    return fs.openSync(`/proc/${task}/schedstat`);
  } catch {
    return undefined;
  }
}

class CpuTimes {
  constructor(kernelId, pollMs, isWanted, first = []) {
    this.pollMs = pollMs;
    this.readings = isWanted ? first : []; // µs on the monotonic clock, ns of CPU time, …
    this.judged = [0, 0]; // the reading up to which it is known whether the thread ran or waited
    this.mixedUntilUs = nowUs() + MIXED_US;
    this.waitedNs = 0;
    this.isWanted = isWanted;
    this.file = isWanted ? open(`self/task/${kernelId}`) : undefined;
    own ??= isWanted ? open('thread-self') : undefined;
    this.read();
    this.takenWaitedNs = this.allWaitedNs();
  }

  read() {
    if (this.file === undefined) {
      return;
    }
    try {
      const [usedNs, waitedNs] = readSchedstat(this.file);
      this.waitedNs = waitedNs;
      const { readings } = this;
      // A thread that waits, perhaps for hours, must not pile them up.
      const isStill = readings.length >= 4 && readings.at(-1) === usedNs && readings.at(-3) === usedNs;
      if (isStill || readings.length >= MAX_READINGS) {
        readings.length -= 2;
      }
      readings.push(nowUs(), usedNs);
      this.judge(...readings.slice(-2));
    } catch {
      this.close(); // The thread has ended.
    }
  }

  /** The kernel brings the time of a thread that runs up to date at its ticks only, so it takes a while to tell. */
  judge(atUs, usedNs) {
    const passedUs = atUs - this.judged[0];
    if (passedUs < SELDOM * this.pollMs * 1000) {
      return;
    }
    const share = (usedNs - this.judged[1]) / 1000 / passedUs;
    if (share > LEAST_MIXED && share < MOST_MIXED) {
      this.mixedUntilUs = atUs + MIXED_US;
    }
    this.judged = [atUs, usedNs];
  }

  /** A reading that the thread took itself, which may be gone by now. */
  add(atUs, usedNs) {
    if (this.readings.length && atUs >= this.readings.at(-2)) {
      this.readings.push(atUs, usedNs);
    }
  }

  /** Forget what was read before this reading. */
  restart(reading) {
    if (this.readings.length && reading.length) {
      this.readings = reading;
    }
  }

  /** The readings since the last call, whose last one is the first of these; and how long meanwhile a core was waited for, in µs. */
  take() {
    this.read();
    const { readings, takenWaitedNs } = this;
    this.readings = readings.slice(-2);
    this.takenWaitedNs = this.allWaitedNs();
    return { readings, waited: Math.max(0, this.takenWaitedNs - takenWaitedNs) / 1000 };
  }

  /** By the thread and by the one that reads here. */
  allWaitedNs() {
    return this.waitedNs + (own === undefined ? 0 : readSchedstat(own)[1]);
  }

  /** CPU time used since the last `take`, in ns. */
  sinceTaken() {
    return this.readings.length ? this.readings.at(-1) - this.readings[1] : 0;
  }

  get isClosed() {
    return this.isWanted && this.file === undefined;
  }

  close() {
    if (this.file !== undefined) {
      fs.closeSync(this.file);
      this.file = undefined;
    }
  }
}

module.exports = { CpuTimes, SELDOM };

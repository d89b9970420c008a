'use strict';

// The program's main thread, profiled by the helper through V8's inspector, or by itself and asked for what it has.
//
// A window is a profile that is stopped and started again. That is cheap and exact only while another profile of the same session
// goes on: V8 forgets what it knows of compiled code when the last one stops, walks all code when the first one starts (a quarter
// of a second in a large program), and even then misses the loop that is running. So an anchor is kept beside the windows, by
// `console.profile`: nothing else can take a second profile. Its own samples are thrown away, now and then, to free their memory.

const { workerData } = require('worker_threads');
const { WORDS, wordsOf, tell, nowUs, usedNs, intervalToAskUs, compact, makeGood, LOSES_TERMINATIONS } = require('./board.cjs');
const { CpuTimes } = require('./cpu_times.cjs');
const { MadePlaces } = require('./made_places.cjs');
const { Scripts } = require('./scripts.cjs');

const { key, titles, intervalUs, maxWindowUs, pollMs, takesCpuTimes, isProfilingItself } = workerData;
const FIRST_WINDOW_US = 50_000; // The next ones are twice as long each: what is killed soon has handed over half of what it did.
const WINDOW_US = 1_000_000;
// To close a window, V8 stops the thread for some 3.4 µs for each node of its tree: large ones come less often, for 1% of the time.
const WINDOW_US_PER_NODE = 340;
// So many fit into a message with some to spare; where stacks are deep and never the same, windows are the shorter for it.
const MAX_NODES = 50_000;
const MAX_STALL_SHARE = 0.02;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const POSTED_MS = 100;

const words = wordsOf(workerData.board, 0);

/** The program's main thread, and the profiles that are being taken of it through the inspector. */
class MainThread {
  constructor(session, outbox) {
    this.session = session;
    this.outbox = outbox;
    this.anchor = 0; // the one of the two titles it has
    this.anchorSamples = 0;
    this.change = undefined; // the promise of the window's change that is under way
    this.take = undefined; // what takes the window of its own profile that it was asked for
    this.scripts = new Scripts();
    const tell = (script, origin) => outbox.send({ type: 'made', thread: 0, script, origin });
    this.made = new MadePlaces(() => this.evaluate(this.expression('made')), tell);
    this.sending = Promise.resolve(); // of windows, in their order
    this.beganNs = undefined; // CPU time it had used when its profile began
    this.cpuTimes = new CpuTimes(words[WORDS.KERNEL_ID], pollMs, takesCpuTimes);
    this.windowUs = FIRST_WINDOW_US;
    this.nextWindowUs = nowUs() + FIRST_WINDOW_US;
  }

  /** Start the first profile, or leave it to the thread; gives whether that was possible. */
  async begin() {
    const hasOwn = Atomics.load(words, WORDS.ANCHORED) === 2;
    this.beganNs = hasOwn ? 1e6 * Atomics.load(words, WORDS.HANDED_MS) : undefined;
    if (LOSES_TERMINATIONS && hasOwn) {
      this.isOwn = true;
      tell(words, WORDS.PHASE, 1);
      return true;
    }
    this.askedUs = intervalToAskUs(intervalUs);
    void this.ask('Profiler.enable');
    void this.ask('Profiler.setSamplingInterval', { interval: this.askedUs });
    const isSampling = (await this.ask('Profiler.start')) !== undefined;
    this.beganNs ??= usedNs(words[WORDS.KERNEL_ID]);
    tell(words, WORDS.PHASE, isSampling ? 1 : 2);
    return isSampling;
  }

  /** Drop the anchor for a thread that has profiled itself so far, and give what it has. No window is closed before. */
  takeOver() {
    this.takenOver = this.takeOverNow();
    return this.takenOver;
  }

  async takeOverNow() {
    if (this.isOwn || Atomics.compareExchange(words, WORDS.ANCHORED, 2, 1) !== 2) {
      return undefined;
    }
    const { own, isKept } = await this.askThread('takeOver', titles[this.anchor]);
    if (isKept) {
      this.isOwn = this.isKept = true;
      this.nextWindowUs = Infinity;
      void this.ask('Profiler.disable');
    }
    if (own) {
      this.cpuTimes.restart(own.readings.slice(-2));
    }
    return own;
  }

  mayRotate() {
    return true;
  }

  /** Close the window and open the next one; gives when it is handed over. */
  rotate() {
    this.change ??= this.replaceWindow().finally(() => {
      this.change = undefined;
    });
    return this.change.then(() => this.sending);
  }

  async replaceWindow() {
    await this.takenOver;
    const beganUs = nowUs();
    this.nextWindowUs = beganUs + maxWindowUs;
    void this.ask('Runtime.discardConsoleEntries'); // The inspector holds on to all that the program logs.
    if (this.isOwn) {
      const { own } = this.isKept ? {} : await this.askThread('rotate');
      if (own) {
        this.takeOwn(own);
      }
      return;
    }
    const stopped = this.ask('Profiler.stop');
    const started = this.ask('Profiler.start');
    const profile = (await stopped)?.profile;
    const cpuTimes = this.cpuTimes.take();
    this.setNextWindow(profile, beganUs);
    await started;
    if (!Atomics.load(words, WORDS.ANCHORED)) {
      this.nextWindowUs = Math.max(this.nextWindowUs, beganUs + (nowUs() - beganUs) / MAX_STALL_SHARE);
    } else {
      this.anchorSamples += profile?.samples.length ?? 0;
      if (this.anchorSamples > MAX_ANCHOR_SAMPLES) {
        this.moveAnchor();
      }
    }
    this.handOver(profile, cpuTimes);
  }

  setNextWindow(profile, beganUs) {
    this.windowUs = Math.min(WINDOW_US, 2 * this.windowUs);
    this.nextWindowUs = beganUs + (profile ? windowUs(this.windowUs, profile.nodes.length, profile.endTime - profile.startTime) : WINDOW_US);
  }

  /** What the thread posts of its own profile once `name` is called there; nothing if that met its end, or a termination. */
  askThread(name, argument) {
    return new Promise((resolve) => {
      this.take = resolve;
      void this.evaluate(this.expression(name, argument)).then((isPosted) => isPosted || setTimeout(resolve, POSTED_MS, {}));
    }).finally(() => {
      this.take = undefined;
    });
  }

  /** What the thread posted. */
  receive(message) {
    if (this.take && !message.isLast) {
      this.take(message);
    } else if (message.own) {
      this.takeOwn(message.own);
    }
  }

  /** Hand over a window of the thread's own profile. */
  takeOwn(own) {
    const profile = parsed(own);
    const { readings, waited } = this.cpuTimes.take();
    const [beganUs, , endedUs, endedNs] = own.readings;
    const inside = chosen(readings, (whenUs) => beganUs < whenUs && whenUs < endedUs);
    const after = chosen(readings, (whenUs, used) => whenUs > endedUs && used >= endedNs);
    this.cpuTimes.restart([...own.readings.slice(2), ...after]);
    this.setNextWindow(profile, nowUs());
    this.handOver(profile, { readings: [...own.readings.slice(0, 2), ...inside, ...own.readings.slice(2)], waited }, own.interval);
  }

  /**
   * A new anchor before the old one is lifted. This runs JavaScript in the thread: a timeout of `vm` that meets it gets lost, which is
   * one reason why it is done so rarely.
   */
  moveAnchor() {
    this.anchorSamples = 0;
    const old = titles[this.anchor];
    this.anchor = 1 - this.anchor;
    void this.evaluate(`${this.expression('begin', titles[this.anchor])};${this.expression('end', old)}`);
  }

  /** Close the last window. */
  async leave() {
    this.made.end();
    await this.takenOver;
    await this.change;
    if (this.isOwn) {
      // Its connection has been made once it answers: one that is yet to come would not be cut, and Node.js would wait for it to be.
      await this.ask('Runtime.discardConsoleEntries');
    } else {
      const profile = (await this.ask('Profiler.stop'))?.profile;
      this.handOver(profile, this.cpuTimes.take());
    }
    await this.sending;
  }

  handOver(profile, cpuTimes, interval = this.askedUs) {
    if (profile?.samples?.length) {
      this.queue(() => this.sendMapped(compact(profile, interval), cpuTimes));
    }
  }

  /** Have this done behind what is being sent: the next window need not wait for what is looked up for the last one. */
  queue(send) {
    this.sending = this.sending.then(send);
  }

  /** Send what the thread profiled of itself before it was taken over, ahead of all windows. */
  handOverOwn(own) {
    const profile = own && parsed(own);
    if (profile?.samples?.length) {
      const window = compact(profile, own.interval);
      this.takenOver = this.sendMaps(window).then(() => {
        this.outbox.sendWindow(0, '', window, own);
      });
    }
    return this.takenOver;
  }

  /** Send a window, behind what is to be known of scripts that were not met before. */
  async sendMapped(window, cpuTimes) {
    await this.sendMaps(window);
    await this.made.place(window.frames);
    this.outbox.sendWindow(0, '', window, cpuTimes);
  }

  async sendMaps(window) {
    const { scripts, outbox } = this;
    for (const url of scripts.unasked(window.frames)) {
      const map = await this.evaluate(this.expression('sourceMap', url));
      if (map) {
        scripts.settle(url);
        outbox.sendMap(url, JSON.parse(map));
      }
    }
    scripts.newlyMoved(window.frames).forEach((url) => outbox.sendMap(url));
    if (scripts.mayLook()) {
      const askedUs = nowUs();
      const parsed = await this.parsedScripts();
      scripts.looked(parsed, nowUs() - askedUs).forEach(({ url, map }) => outbox.sendMap(url, map));
    }
  }

  /** What V8 tells a debugger of all scripts. */
  async parsedScripts() {
    const parsed = [];
    this.session.on('Debugger.scriptParsed', ({ params }) => parsed.push(params));
    const asked = [this.ask('Debugger.enable'), this.ask('Debugger.setSkipAllPauses', { skip: true }), this.ask('Debugger.disable')];
    await Promise.all(asked);
    this.session.removeAllListeners('Debugger.scriptParsed');
    return parsed;
  }

  expression(name, argument) {
    return `globalThis[Symbol.for(${JSON.stringify(key)})].${name}(${JSON.stringify(argument) ?? ''})`;
  }

  /** The value of `expression` in the thread, or undefined. */
  evaluate(expression) {
    const named = `${expression}\n//# sourceURL=${key}`;
    const asked = { expression: named, silent: true, returnByValue: true };
    return new Promise((resolve) => {
      this.session.post('Runtime.evaluate', asked, (error, answer) => {
        if (error) {
          makeGood(error, (method) => this.session.post(method));
        }
        resolve(answer?.result.value);
      });
    }).catch(() => undefined);
  }

  /** The inspector's answer; undefined if it refuses, or if the session has ended. */
  ask(method, params) {
    return new Promise((resolve) => {
      this.session.post(method, params, (error, answer) => resolve(error ? undefined : answer));
    }).catch(() => undefined);
  }
}

/** Of flat readings, `[when, used, ...]`, those that are wanted. */
function chosen(readings, isWanted) {
  return readings.filter((_, at) => isWanted(readings[at - (at % 2)], readings[at - (at % 2) + 1]));
}

/** The profile of a window that a thread took of itself; see `own_profile.cjs`. */
function parsed({ profile }) {
  return profile && JSON.parse(profile).result.profile;
}

/** How long the next window should be, by what this one took: `usualUs`, where that is not dear. */
function windowUs(usualUs, nodes, durationUs) {
  const fittingUs = (MAX_NODES * durationUs) / nodes;
  return Math.min(Math.max(usualUs, Math.min(maxWindowUs, nodes * WINDOW_US_PER_NODE)), fittingUs);
}

module.exports = { MainThread };

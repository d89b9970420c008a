'use strict';

// The program's main thread, profiled by the helper through V8's inspector.
//
// A window is a profile that is stopped and started again. That is cheap and exact only while another profile of the same session
// goes on: V8 forgets what it knows of compiled code when the last one stops, walks all code when the first one starts (a quarter
// of a second in a large program), and even then misses the loop that is running. So an anchor is kept beside the windows, by
// `console.profile`: nothing else can take a second profile. Its own samples are thrown away, now and then, to free their memory.

const { workerData } = require('worker_threads');
const { WORDS, wordsOf, nowUs, compact, makeGood } = require('./board.cjs');
const { CpuTimes } = require('./cpu_times.cjs');
const { MadePlaces } = require('./made_places.cjs');
const { Scripts } = require('./scripts.cjs');

const { key, titles, maxWindowUs, pollMs, takesCpuTimes, isProfilingItself } = workerData;
const FIRST_WINDOW_US = 50_000; // The next ones are twice as long each: what is killed soon has handed over half of what it did.
const WINDOW_US = 1_000_000;
// To close a window, V8 stops the thread for some 3.4 µs for each node of its tree: large ones come less often, for 1% of the time.
const WINDOW_US_PER_NODE = 340;
// So many fit into a message with some to spare; where stacks are deep and never the same, windows are the shorter for it.
const MAX_NODES = 50_000;
const MAX_STALL_SHARE = 0.02;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const LATE_MS = 400;
const EARLY_WAITED_US = 1e6; // for a core: there was no helper yet, because the machine is busy

const words = wordsOf(workerData.board, 0);
const beganUs = nowUs();

/** The program's main thread, and the profiles that are being taken of it through the inspector. */
class MainThread {
  constructor(session, outbox) {
    this.session = session;
    this.outbox = outbox;
    this.anchor = 0; // the one of the two titles it has
    this.anchorSamples = 0;
    this.change = undefined; // the promise of the window's change that is under way
    this.scripts = new Scripts();
    const tell = (script, origin) => outbox.send({ type: 'made', thread: 0, script, origin });
    this.made = new MadePlaces(() => this.evaluate(this.expression('made')), tell);
    this.sending = Promise.resolve(); // of windows, in their order
    this.beganNs = undefined; // CPU time it had used when its profile began
    this.cpuTimes = new CpuTimes(words[WORDS.KERNEL_ID], pollMs, takesCpuTimes);
    this.windowUs = FIRST_WINDOW_US;
    this.nextWindowUs = nowUs() + FIRST_WINDOW_US;
  }

  /** Take on the first profile, as it was asked for; gives whether V8 began it. */
  async begin({ askedUs, isOwn, began }) {
    this.askedUs = askedUs;
    this.isOwn = isOwn;
    this.beganNs = await began;
    return this.beganNs !== undefined;
  }

  /** Where the thread went on without us, and took its profile itself: drop the anchor, and give that profile. No window is closed before. */
  takeOver() {
    this.takenOver = this.takeOverNow();
    return this.takenOver;
  }

  async takeOverNow() {
    if (this.isOwn || Atomics.compareExchange(words, WORDS.ANCHORED, 2, 1) !== 2) {
      return undefined;
    }
    const early = JSON.parse((await this.evaluate(this.expression('takeOver', titles[this.anchor]))) ?? 'null');
    if (early) {
      this.cpuTimes.restart(early.readings.slice(-2));
    }
    return early;
  }

  /** Drop the anchor for a thread that went on without either. What was compiled until then counts for its callers, which is told. */
  async anchorLate() {
    await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    if (!isProfilingItself && !this.isOwn && Atomics.exchange(words, WORDS.ANCHORED, 1) !== 1) {
      void this.evaluate(this.expression('begin', titles[this.anchor]));
      this.outbox.send({ type: 'late', ms: Math.round((nowUs() - beganUs) / 1000) });
    }
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
      await this.askThread();
      return;
    }
    const stopped = this.ask('Profiler.stop');
    const started = this.ask('Profiler.start');
    const profile = (await stopped)?.profile;
    const cpuTimes = this.cpuTimes.take();
    this.windowUs = Math.min(WINDOW_US, 2 * this.windowUs);
    this.nextWindowUs = beganUs + (profile ? windowUs(this.windowUs, profile.nodes.length, profile.endTime - profile.startTime) : WINDOW_US);
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

  /** Have the thread hand over the window of its own profile. */
  async askThread() {
    const own = JSON.parse((await this.evaluate(this.expression('rotate'))) ?? '{}');
    const cpuTimes = this.cpuTimes.take();
    this.windowUs = Math.min(WINDOW_US, 2 * this.windowUs);
    this.nextWindowUs = nowUs() + Math.max(this.windowUs, WINDOW_US_PER_NODE * (own.window?.nodes.length ?? 0) / 3);
    if (own.window) {
      cpuTimes.readings = [...own.readings.slice(0, 2), ...cpuTimes.readings.slice(2)];
      this.queue(() => this.sendMapped(own.window, cpuTimes));
    }
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

  handOver(profile, cpuTimes) {
    if (profile?.samples?.length) {
      this.queue(() => this.sendMapped(compact(profile, this.askedUs), cpuTimes));
    }
  }

  /** Have this done behind what is being sent: the next window need not wait for what is looked up for the last one. */
  queue(send) {
    this.sending = this.sending.then(send);
  }

  /** Send what the thread profiled of itself while it had no helper, if it has, ahead of all windows. */
  handOverEarly(early) {
    if (early?.window) {
      this.takenOver = this.sendMaps(early.window).then(() => {
        this.outbox.sendWindow(0, '', early.window, { readings: early.readings, waited: EARLY_WAITED_US });
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

/** How long the next window should be, by what this one took: `usualUs`, where that is not dear. */
function windowUs(usualUs, nodes, durationUs) {
  const fittingUs = (MAX_NODES * durationUs) / nodes;
  return Math.min(Math.max(usualUs, Math.min(maxWindowUs, nodes * WINDOW_US_PER_NODE)), fittingUs);
}

module.exports = { MainThread };

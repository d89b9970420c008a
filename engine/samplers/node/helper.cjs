'use strict';

// A worker thread in the profiled program. It takes CPU profiles of the main thread and of the program's worker threads through
// V8's inspector (no port is opened) and hands each window to the sampler over a Unix socket.
//
// A window is a profile that is stopped and started again. That is cheap and exact only while another profile of the same session
// goes on: V8 forgets what it knows of compiled code when the last one stops, walks all code when the first one starts (a quarter
// of a second in a large program), and even then misses the loop that is running. So an anchor is kept beside the windows, by
// `console.profile`: nothing else can take a second profile. Its own samples are thrown away, now and then, to free their memory.

const fs = require('fs');
const net = require('net');
const { Session } = require('inspector');
const { BroadcastChannel, parentPort, threadId, workerData } = require('worker_threads');
const { WORDS, wordsOf, tell, nowUs, kernelId, intervalToAskUs, compact, plain } = require('./board.cjs');
const { CpuTimes, SELDOM } = require('./cpu_times.cjs');

const { key, titles, board, intervalUs, maxWindowUs, pollMs, takesCpuTimes, isProfilingItself } = workerData;
const FIRST_WINDOW_US = 50_000; // The next ones are twice as long each: what is killed soon has handed over half of what it did.
const EARLY_WAITED_US = 1e6;
const WINDOW_US = 1_000_000;
const IDLE_NS = 1_000_000;
// To close a window, V8 stops the thread for some 3.4 µs for each node of its tree: large ones come less often, for 1% of the time.
const WINDOW_US_PER_NODE = 340;
// So many fit into a message with some to spare; where stacks are deep and never the same, windows are the shorter for it.
const MAX_NODES = 50_000;
const MAX_STALL_SHARE = 0.02;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const LEAVE_MS = 400;
// A thread that was heard of in one way is to be heard of in the other by then: a window that was sent, a preload that ran.
const HEARD_MS = 250;
const SEEN_MS = 2_000;
const OWING_US = 200_000;
const MATTERING_OWING_US = 20_000;
// Measured: in 22, 24 and 26 what `Runtime.evaluate` runs swallows a termination that meets it, and says so; 20 does not always say so.
const LOSES_TERMINATIONS = Number.parseInt(process.versions.node, 10) >= 22;
// A worker thread hands over by itself, once a second, whenever its event loop turns. One that does not for so long is asked: seldom
// where a timeout of `vm` that meets it cannot be made good.
const LOOPLESS_US = LOSES_TERMINATIONS ? 5_000_000 : 60_000_000;
const MAX_UNSENT_BYTES = 8_000_000;
const MAX_MESSAGE_BYTES = 4_000_000;
const MAX_THREADS = 256;
const MAPPED = /\.(ts|mts|cts|tsx|jsx)(\?|$)/;

// A word on this thread's streams would keep the program alive until somebody reads it, which nobody does.
process.stdout.write = process.stderr.write = () => true;

const words = wordsOf(board, 0);
const beganUs = nowUs();
let session = new Session();
let main; // the main thread's profile, while one is taken
const workers = new Map(); // worker thread's number -> WorkerThread
const attached = new Map(); // worker thread's number -> the inspector's session, and the thread's name
const replies = new Map(); // number of a call into a worker thread -> what takes its answer
let calls = 0;
let lost = 0; // samples that could not be handed over
let owing = { at: 0, us: 0 };
let isOff = false;

/** The program's main thread, and the profiles that are being taken of it through the inspector. */
class MainThread {
  constructor() {
    this.anchor = 0; // the one of the two titles it has
    this.anchorSamples = 0;
    this.change = undefined; // the promise of the window's change that is under way
    this.mapped = new Set(); // scripts whose source map was asked for
    this.cpuTimes = new CpuTimes(words[WORDS.KERNEL_ID], pollMs, takesCpuTimes);
    this.windowUs = FIRST_WINDOW_US;
    this.nextWindowUs = nowUs() + FIRST_WINDOW_US;
  }

  /** Start the first profile; gives whether that was possible. The thread itself drops the anchor when it learns of it. */
  async begin() {
    if (LOSES_TERMINATIONS && Atomics.load(words, WORDS.ANCHORED) === 2) {
      this.isOwn = true;
      tell(words, WORDS.PHASE, 1);
      return true;
    }
    this.askedUs = intervalToAskUs(intervalUs);
    void this.ask('Profiler.enable');
    void this.ask('Profiler.setSamplingInterval', { interval: this.askedUs });
    const isSampling = (await this.ask('Profiler.start')) !== undefined;
    tell(words, WORDS.PHASE, isSampling ? 1 : 2);
    return isSampling;
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
    await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
    sendEarly(await this.takeOver());
    if (!isProfilingItself && !this.isOwn && Atomics.exchange(words, WORDS.ANCHORED, 1) === 0) {
      void this.evaluate(this.expression('begin', titles[this.anchor]));
      send({ type: 'late', ms: Math.round((nowUs() - beganUs) / 1000) });
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
    return this.change;
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
    await this.handOver(profile, cpuTimes);
  }

  /** Have the thread hand over the window of its own profile. */
  async askThread() {
    const own = JSON.parse((await this.evaluate(this.expression('rotate'))) ?? '{}');
    const cpuTimes = this.cpuTimes.take();
    this.windowUs = Math.min(WINDOW_US, 2 * this.windowUs);
    this.nextWindowUs = nowUs() + Math.max(this.windowUs, WINDOW_US_PER_NODE * (own.window?.nodes.length ?? 0) / 3);
    if (own.window) {
      cpuTimes.readings = [...own.readings.slice(0, 2), ...cpuTimes.readings.slice(2)];
      await this.sendMapped(own.window, cpuTimes);
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
    await this.takenOver;
    await this.change;
    if (this.isOwn) {
      // Its connection has been made once it answers: one that is yet to come would not be cut, and Node.js would wait for it to be.
      await this.ask('Runtime.discardConsoleEntries');
    } else {
      const profile = (await this.ask('Profiler.stop'))?.profile;
      await this.handOver(profile, this.cpuTimes.take());
    }
  }

  async handOver(profile, cpuTimes) {
    if (profile?.samples?.length) {
      await this.sendMapped(compact(profile, this.askedUs), cpuTimes);
    }
  }

  /** Send a window, behind the source maps of files that were not met before. */
  async sendMapped(window, cpuTimes) {
    for (const url of new Set(window.frames.map(([, each]) => each).filter((each) => MAPPED.test(each)))) {
      if (!this.mapped.has(url)) {
        this.mapped.add(url);
        const map = await this.evaluate(this.expression('sourceMap', url));
        if (map) {
          send({ type: 'map', url, map: JSON.parse(map) });
        }
      }
    }
    sendWindow(0, '', window, cpuTimes);
  }

  expression(name, argument) {
    return `globalThis[Symbol.for(${JSON.stringify(key)})].${name}(${JSON.stringify(argument) ?? ''})`;
  }

  /** The value of `expression` in the thread, or undefined. */
  evaluate(expression) {
    const named = `${expression}\n//# sourceURL=${key}`;
    const asked = { expression: named, silent: true, returnByValue: true };
    return new Promise((resolve) => {
      session.post('Runtime.evaluate', asked, (error, answer) => {
        if (error) {
          makeGood(error, (method) => session.post(method));
        }
        resolve(answer?.result.value);
      });
    }).catch(() => undefined);
  }

  /** The inspector's answer; undefined if it refuses, or if the session has ended. */
  ask(method, params) {
    return new Promise((resolve) => {
      session.post(method, params, (error, answer) => resolve(error ? undefined : answer));
    }).catch(() => undefined);
  }
}

/** A worker thread, which takes its profile itself; see `thread.cjs`. It is asked for windows through the main thread. */
class WorkerThread {
  constructor(id, kernelId, reading) {
    this.id = id;
    this.cpuTimes = new CpuTimes(kernelId, pollMs, takesCpuTimes, reading);
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    this.waiting = []; // for what it was asked to hand over
    this.hasLeft = false;
  }

  mayRotate() {
    return !takesCpuTimes || this.cpuTimes.sinceTaken() >= IDLE_NS;
  }

  rotate() {
    return this.ask('rotate');
  }

  leave() {
    return this.ask('leave');
  }

  /** Have the thread hand over; gives when it has, or cannot. */
  ask(what) {
    const isAsked = this.waiting.length > 0 && what === 'rotate';
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    if (!attached.has(this.id) || this.hasLeft) {
      return Promise.resolve();
    }
    const asked = new Promise((resolve) => this.waiting.push(resolve));
    if (!isAsked) {
      const expression = `globalThis[Symbol.for(${JSON.stringify(key)})]?.${what}()\n//# sourceURL=${key}`;
      this.post('Runtime.evaluate', { expression, silent: true, returnByValue: true }, ({ error }) => {
        makeGood(error, (method) => this.post(method, {}, () => {}));
        setTimeout(() => this.settle(), HEARD_MS).unref();
      });
    }
    return asked;
  }

  settle() {
    this.waiting.splice(0).forEach((resolve) => resolve());
  }

  post(method, params, take) {
    calls += 1;
    replies.set(calls, take);
    const message = JSON.stringify({ id: calls, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId: attached.get(this.id)?.sessionId, message }, (error) => {
      if (error) {
        take({ error });
      }
    });
  }

  /** What the thread sent of itself. */
  receive({ window, maps, reading, isLast }) {
    this.cpuTimes.add(...reading);
    maps.forEach(({ url, map }) => send({ type: 'map', url, map }));
    if (window) {
      const name = attached.get(this.id)?.name ?? '';
      sendWindow(this.id, name, window, this.cpuTimes.take());
    }
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    if (isLast) {
      this.hasLeft = true;
      forget(this.id);
    }
    this.settle();
  }
}

/** How long the next window should be, by what this one took: `usualUs`, where that is not dear. */
function windowUs(usualUs, nodes, durationUs) {
  const fittingUs = (MAX_NODES * durationUs) / nodes;
  return Math.min(Math.max(usualUs, Math.min(maxWindowUs, nodes * WINDOW_US_PER_NODE)), fittingUs);
}

/** Queue a window of `compact`. */
function sendWindow(thread, name, window, { readings, waited }) {
  if (!send({ type: 'window', thread, name, cpuTimes: readings, waited, ...plain(window) })) {
    lost += window.samples.length;
  }
  sendLost();
}

function sendEarly(early) {
  if (early?.window) {
    sendWindow(0, '', early.window, { readings: early.readings, waited: EARLY_WAITED_US });
  }
}

/** `worker.terminate()`, or a timeout of `vm`, gets lost in what is evaluated when it comes. */
function makeGood(error, post) {
  if (LOSES_TERMINATIONS && /terminated/.test(error?.message)) {
    post('Runtime.terminateExecution');
  }
}

/** Count CPU time of which there is no profile. */
function lose(usedNs) {
  lost += Math.round(usedNs / 1000 / intervalUs);
}

function sendLost() {
  if (lost && send({ type: 'lost', samples: lost })) {
    lost = 0;
  }
}

/** Queue a message; false if it is too large, or the listener too far behind. */
function send(message, sent) {
  const payload = Buffer.from(JSON.stringify(message));
  if (isOff || payload.length > MAX_MESSAGE_BYTES || socket.writableLength + payload.length > MAX_UNSENT_BYTES) {
    return false;
  }
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  socket.write(Buffer.concat([header, payload]), sent);
  return true;
}

/** Tell how much CPU time is in no window yet, so that it counts as lost if the process is killed. */
function tellOwing() {
  const at = nowUs();
  if (at - owing.at >= OWING_US) {
    const us = everybody().reduce((sum, thread) => sum + thread.cpuTimes.sinceTaken() / 1000, 0);
    if (Math.abs(us - owing.us) >= MATTERING_OWING_US) {
      owing = { at, us };
      send({ type: 'owing', ...owing });
    }
  }
}

function everybody() {
  return main ? [main, ...workers.values()] : [];
}

async function flush() {
  await Promise.all(everybody().map((thread) => thread.rotate()));
  send({ type: 'flushed' });
}

/** The process is about to end, and its main thread waits: hand over the last windows, and detach. */
async function leave() {
  const threads = everybody();
  stopPolling();
  main = undefined;
  await within(LEAVE_MS, Promise.all(threads.map((thread) => thread.leave())));
  for (const worker of workers.values()) {
    lose(worker.cpuTimes.sinceTaken());
  }
  disconnect();
  sendLost();
  await within(LEAVE_MS, new Promise((resolve) => send({ type: 'left' }, resolve)));
  tell(words, WORDS.ENDING, 2);
}

function within(milliseconds, promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
}

/** Leave the program alone, for good. This thread stays: one that ends in the middle of a run can abort the process. */
function off() {
  if (isOff) {
    return;
  }
  isOff = true;
  stopPolling();
  disconnect();
  socket.destroy();
  channel.close();
  tell(words, WORDS.PHASE, 2);
}

function disconnect() {
  try {
    session.disconnect();
  } catch {
    // Was not connected any more.
  }
}

function meet({ id, kernelId, reading }) {
  if (workers.size < MAX_THREADS) {
    workers.set(id, new WorkerThread(id, kernelId, reading));
    send({ type: 'thread', tid: kernelId, beforeNs: reading[1] ?? 0 });
    poll();
  }
}

function forget(id) {
  workers.get(id)?.cpuTimes.close();
  workers.delete(id);
}

/** A thread is gone. Its last window may still be on its way, or was never made. */
function seeGone(worker) {
  worker.isGone = true;
  setTimeout(() => {
    if (!worker.hasLeft && workers.get(worker.id) === worker) {
      lose(worker.cpuTimes.sinceTaken());
      sendLost();
      forget(worker.id);
    }
  }, HEARD_MS).unref();
}

function listen() {
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    // `workerId` counts sessions, not threads.
    const [, number, name] = /^\[worker (\d+)\] ?(.*)$/s.exec(workerInfo.title) ?? [];
    const id = Number(number);
    if (id === threadId) {
      session.post('NodeWorker.detach', { sessionId });
      return;
    }
    attached.set(id, { sessionId, name: name === 'WorkerThread' ? '' : name });
    setTimeout(() => {
      if (attached.get(id)?.sessionId === sessionId && !attached.get(id).isHeard) {
        send({ type: 'unseen', thread: id });
      }
    }, SEEN_MS).unref();
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
    const reply = JSON.parse(message);
    replies.get(reply.id)?.(reply);
    replies.delete(reply.id);
  });
  session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
    for (const [id, worker] of attached) {
      if (worker.sessionId === sessionId) {
        attached.delete(id);
        workers.get(id)?.settle();
      }
    }
  });
}

async function start() {
  if (Atomics.compareExchange(words, WORDS.CLAIMED, 0, 1) !== 0) {
    off();
    return;
  }
  listen();
  session.connectToMainThread();
  main = new MainThread();
  poll();
  if (!(await main.begin())) {
    off();
    return;
  }
  const early = await main.takeOver();
  const alreadyNs = (early?.readings[3] ?? 0) - (early?.readings[1] ?? 0);
  const { pid, name, isOverridden } = workerData;
  send({ type: 'hello', at: nowUs(), alreadyNs, pid, name, version: process.version, isProfilingItself, isOverridden, helper: kernelId() });
  sendEarly(early);
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await main.anchorLate();
}

/** The process goes on, although it had been about to end. */
function comeBack() {
  attached.clear();
  session = new Session();
  void start();
}

// Keeps this thread awake: without a handle of its own the inspector's answers never arrive.
setInterval(() => {}, 2 ** 30);
let timer;
function stopPolling() {
  clearTimeout(timer);
}
function poll() {
  stopPolling();
  if (isOff || !main) {
    return;
  }
  const now = nowUs();
  let pauseMs = SELDOM * pollMs;
  for (const thread of everybody()) {
    thread.cpuTimes.read();
    if (thread !== main && thread.cpuTimes.isClosed && !thread.isGone) {
      seeGone(thread);
    }
    if (now >= thread.nextWindowUs && thread.mayRotate()) {
      void thread.rotate();
    }
    const isMixed = now < thread.cpuTimes.mixedUntilUs;
    const untilWindowMs = now < thread.nextWindowUs ? (thread.nextWindowUs - now) / 1000 : pauseMs;
    pauseMs = Math.max(pollMs, Math.min(pauseMs, isMixed ? pollMs : untilWindowMs));
  }
  tellOwing();
  timer = setTimeout(poll, pauseMs);
}
const channel = new BroadcastChannel(key);
channel.onmessage = ({ data }) => {
  if (attached.has(data.id)) {
    attached.get(data.id).isHeard = true;
  }
  if (data.kernelId && data.isSampling) {
    meet(data);
  } else if (data.isTerminated) {
    workers.get(data.id)?.cpuTimes.add(nowUs(), data.used);
    void workers.get(data.id)?.leave();
  } else {
    workers.get(data.id)?.receive(data);
  }
};
parentPort.on('message', (asked) => (asked === 'leave' ? void leave() : comeBack()));
const socket = net.connect(workerData.socket);
socket.on('data', () => void flush()); // It is asked for nothing else.
socket.on('error', off);
socket.on('close', off);
process.on('uncaughtException', off);
void start();

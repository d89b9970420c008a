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

const { key, titles, shared, intervalUs, maxWindowUs, pollMs, takesCpuTimes, isProfilingItself } = workerData;
const [PHASE, EXITING, ANCHORED, CLAIMED] = [0, 1, 2, 3];
const FIRST_WINDOW_US = 300_000;
const WINDOW_US = 1_000_000;
// To close a window, V8 stops the thread for some 3.4 µs for each node of its tree: large ones come less often, for 1% of the time.
const WINDOW_US_PER_NODE = 340;
// So many fit into a message with some to spare; where stacks are deep and never the same, windows are the shorter for it.
const MAX_NODES = 50_000;
const MAX_STALL_SHARE = 0.02;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const MATTERING_US = 5_000;
const askedUs = intervalUs < MATTERING_US ? onTimeUs() : intervalUs;
const EXIT_MS = 150;
const MAX_UNSENT_BYTES = 4_000_000;
const MAX_MESSAGE_BYTES = 4_000_000;
const MAX_THREADS = 256;
const MAX_READINGS = 20_000;
// To wake up costs this thread some 160 µs. While a thread just runs, or just waits, its CPU time need not be read so often to tell where
// it went; once one has done both, for a second it is.
const SELDOM = 5;
const MIXED_US = 1_000_000;
const [LEAST_MIXED, MOST_MIXED] = [0.1, 0.9];
const MAPPED = /\.(ts|mts|cts|tsx|jsx)(\?|$)/;

// A word on this thread's streams would keep the program alive until somebody reads it, which nobody does.
process.stdout.write = process.stderr.write = () => true;

const session = new Session();
const main = '';
const threads = new Map(); // the inspector's session of a worker thread, or `main` -> ProfiledThread
const attached = new Map(); // worker thread's number -> the inspector's session, and the thread's name
const announced = new Map(); // worker thread's number -> what its preload told
const mapped = new Set(); // scripts whose source map was asked for
let lost = 0; // samples that could not be handed over
let isOff = false;

/** One thread of the program, and the profiles that are being taken of it. */
class ProfiledThread {
  constructor(id, tid, name, words, post) {
    this.id = id;
    this.tid = tid;
    this.name = name;
    this.words = words; // shared with the thread
    this.post = post;
    this.anchor = 0; // the one of the two titles it has
    this.anchorSamples = 0;
    this.change = undefined; // the promise of the window's change that is under way
    this.cpuTimes = new CpuTimes(tid);
    this.nextWindowUs = nowUs() + FIRST_WINDOW_US;
  }

  /** Start the first profile; gives whether that was possible. The thread itself drops the anchor when it learns of it. */
  async begin() {
    void this.ask('Profiler.enable');
    void this.ask('Profiler.setSamplingInterval', { interval: askedUs });
    const isSampling = (await this.ask('Profiler.start')) !== undefined;
    if (isSampling) {
      send({ type: 'thread', tid: this.tid });
    }
    tell(this.words, PHASE, isSampling ? 1 : 2);
    return isSampling;
  }

  /** Close the window and open the next one; gives when it is handed over. */
  rotate() {
    this.change ??= this.replaceWindow().finally(() => {
      this.change = undefined;
    });
    return this.change;
  }

  async replaceWindow() {
    const beganUs = nowUs();
    this.nextWindowUs = beganUs + maxWindowUs;
    const stopped = this.ask('Profiler.stop');
    const started = this.ask('Profiler.start');
    void this.ask('Runtime.discardConsoleEntries'); // The inspector holds on to all that the program logs.
    const profile = (await stopped)?.profile;
    const cpuTimes = this.cpuTimes.take();
    this.nextWindowUs = beganUs + (profile ? windowUs(profile) : WINDOW_US);
    await started;
    if (!Atomics.load(this.words, ANCHORED)) {
      this.nextWindowUs = Math.max(this.nextWindowUs, beganUs + (nowUs() - beganUs) / MAX_STALL_SHARE);
    } else {
      this.anchorSamples += profile?.samples.length ?? 0;
      if (this.anchorSamples > MAX_ANCHOR_SAMPLES) {
        this.moveAnchor();
      }
    }
    await this.handOver(profile, cpuTimes);
  }

  /**
   * A new anchor before the old one is lifted. This runs JavaScript in the thread: a `worker.terminate()` or a timeout of `vm` that
   * meets it gets lost, which is one reason why it is done so rarely.
   */
  moveAnchor() {
    this.anchorSamples = 0;
    const old = titles[this.anchor];
    this.anchor = 1 - this.anchor;
    void this.evaluate(`${this.expression('begin', titles[this.anchor])};${this.expression('end', old)}`);
  }

  /** Close the last window. */
  async end() {
    await this.change;
    const profile = (await this.ask('Profiler.stop'))?.profile;
    await this.handOver(profile, this.cpuTimes.take());
  }

  /** Send a window, behind the source maps of files that were not met before. */
  async handOver(profile, cpuTimes) {
    if (!profile?.samples?.length) {
      return;
    }
    const urls = new Set(profile.nodes.map((node) => node.callFrame.url).filter((url) => MAPPED.test(url)));
    for (const url of urls) {
      if (!mapped.has(url)) {
        mapped.add(url);
        const map = await threads.get(main).evaluate(this.expression('sourceMap', url));
        if (map) {
          send({ type: 'map', url, map: JSON.parse(map) });
        }
      }
    }
    if (!send({ type: 'window', thread: this.id, name: this.name, cpuTimes, ...compact(profile) })) {
      lost += profile.samples.length;
    }
    sendLost();
  }

  /** Count what the thread did since its last window as lost. */
  loseOpenWindow() {
    lost += Math.round(this.cpuTimes.sinceTaken() / 1000 / intervalUs);
  }

  expression(name, argument) {
    return `globalThis[Symbol.for(${JSON.stringify(key)})].${name}(${JSON.stringify(argument)})`;
  }

  /** The value of `expression` in the thread, or undefined. */
  async evaluate(expression) {
    const named = `${expression}\n//# sourceURL=${key}`;
    return (await this.ask('Runtime.evaluate', { expression: named, silent: true, returnByValue: true }))?.result.value;
  }

  /** The inspector's answer; undefined if it refuses, or if the session has ended. */
  ask(method, params) {
    return new Promise((resolve) => {
      this.post(method, params, (error, answer) => resolve(error ? undefined : answer));
    }).catch(() => undefined);
  }
}

/** How much CPU time a thread had used when, from the kernel's scheduler: V8's samples alone tell running from waiting badly. */
class CpuTimes {
  static buffer = Buffer.alloc(96);

  constructor(tid) {
    this.readings = []; // µs on the monotonic clock, ns of CPU time, …
    this.judged = [0, 0]; // the reading up to which it is known whether the thread ran or waited
    this.mixedUntilUs = nowUs() + MIXED_US;
    try {
      this.file = takesCpuTimes ? fs.openSync(`/proc/self/task/${tid}/schedstat`) : undefined;
    } catch {
      this.file = undefined;
    }
    this.read();
  }

  read() {
    if (this.file === undefined) {
      return;
    }
    try {
      const length = fs.readSync(this.file, CpuTimes.buffer, 0, CpuTimes.buffer.length, 0);
      const usedNs = Number.parseInt(CpuTimes.buffer.latin1Slice(0, length), 10);
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
    if (passedUs < SELDOM * pollMs * 1000) {
      return;
    }
    const share = (usedNs - this.judged[1]) / 1000 / passedUs;
    if (share > LEAST_MIXED && share < MOST_MIXED) {
      this.mixedUntilUs = atUs + MIXED_US;
    }
    this.judged = [atUs, usedNs];
  }

  /** The readings since the last call, whose last one is the first of these. */
  take() {
    this.read();
    const taken = this.readings;
    this.readings = taken.slice(-2);
    return taken;
  }

  sinceTaken() {
    this.read();
    return this.readings.length ? this.readings.at(-1) - this.readings[1] : 0;
  }

  close() {
    if (this.file !== undefined) {
      fs.closeSync(this.file);
      this.file = undefined;
    }
  }
}

/** How long the next window should be, by what this one took. */
function windowUs({ nodes, startTime, endTime }) {
  const fittingUs = (MAX_NODES * (endTime - startTime)) / nodes.length;
  return Math.min(Math.max(WINDOW_US, Math.min(maxWindowUs, nodes.length * WINDOW_US_PER_NODE)), fittingUs);
}

/**
 * The interval that makes V8 sample at the one that is wanted: it waits that long each time anew, and wakes late. For once in a while
 * that does not matter; and it is not asked for more than twice what is wanted.
 */
function onTimeUs() {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const lateUs = Array.from({ length: 5 }, () => {
    const beganUs = nowUs();
    Atomics.wait(nobody, 0, 0, 0.2);
    return nowUs() - beganUs - 200;
  });
  return Math.round(Math.max(intervalUs / 2, intervalUs - lateUs.sort((a, b) => a - b)[2]));
}

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

function sendLost() {
  if (lost && send({ type: 'lost', samples: lost })) {
    lost = 0;
  }
}

/** A profile as the sampler reads it: distinct call frames once, nodes as flat (parent, call frame, hits) triples, parents first. */
function compact(profile) {
  const frames = [];
  const frameIndexes = new Map();
  const nodes = [];
  const nodeIndexes = []; // by V8's numbers, which count from 1
  const parents = [];
  const ticks = [];
  // V8 lists a node ahead of its children.
  profile.nodes.forEach(({ id, callFrame, hitCount, children, positionTicks }, index) => {
    const { functionName, scriptId, url, lineNumber, columnNumber } = callFrame;
    const frameKey = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    let frame = frameIndexes.get(frameKey);
    if (frame === undefined) {
      frame = frames.push([functionName, url, lineNumber, columnNumber]) - 1;
      frameIndexes.set(frameKey, frame);
    }
    nodeIndexes[id] = index;
    nodes.push(parents[id] ?? -1, frame, hitCount);
    if (positionTicks?.length) {
      ticks.push([index, ...positionTicks.flatMap(({ line, ticks: count }) => [line, count])]);
    }
    for (const child of children ?? []) {
      parents[child] = index;
    }
  });
  const samples = profile.samples.map((id) => nodeIndexes[id]);
  return { start: profile.startTime, frames, nodes, ticks, samples, deltas: profile.timeDeltas };
}

/** Queue a message; false if it is too large, or the listener too far behind. */
function send(message) {
  const payload = Buffer.from(JSON.stringify(message));
  if (isOff || payload.length > MAX_MESSAGE_BYTES || socket.writableLength + payload.length > MAX_UNSENT_BYTES) {
    return false;
  }
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  socket.write(Buffer.concat([header, payload]));
  return true;
}

async function flush() {
  await Promise.all(Array.from(threads.values(), (thread) => thread.rotate()));
  send({ type: 'flushed' });
}

/** The main thread is in its `exit` event and waits: hand over the last windows, and detach. */
async function exit() {
  clearTimeout(timer);
  timer = null;
  await within(EXIT_MS, Promise.all(Array.from(threads.values(), (thread) => thread.end())));
  for (const thread of threads.values()) {
    thread.loseOpenWindow();
  }
  disconnect();
  sendLost();
  await within(EXIT_MS, new Promise((resolve) => socket.end(resolve)));
  tell(shared, EXITING, 2);
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
  clearTimeout(timer);
  timer = null;
  disconnect();
  socket.destroy();
  channel.close();
  tell(shared, PHASE, 2);
}

function disconnect() {
  try {
    session.disconnect();
  } catch {
    // Was not connected any more.
  }
}

function profileWorker(id) {
  const worker = announced.get(id);
  if (!worker || !attached.has(id) || threads.size > MAX_THREADS) {
    return;
  }
  const { sessionId, name } = attached.get(id);
  const answers = new Map();
  let calls = 0;
  const thread = new ProfiledThread(id, worker.tid, name, worker.words, (method, params, done) => {
    calls += 1;
    answers.set(calls, done);
    const message = JSON.stringify({ id: calls, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  });
  thread.receive = (message) => {
    const { id: call, error, result } = JSON.parse(message);
    answers.get(call)?.(error, result);
    answers.delete(call);
  };
  threads.set(sessionId, thread);
  poll();
  void thread.begin();
}

async function endWorker(id) {
  const { sessionId } = attached.get(id);
  await threads.get(sessionId).end();
  tell(announced.get(id).words, EXITING, 2);
}

function tell(words, index, value) {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

async function start() {
  if (Atomics.compareExchange(shared, CLAIMED, 0, 1) !== 0) {
    off();
    return;
  }
  session.connectToMainThread();
  const thread = new ProfiledThread(0, workerData.tid, '', shared, session.post.bind(session));
  threads.set(main, thread);
  poll();
  if (!(await thread.begin())) {
    off();
    return;
  }
  const { pid, name } = workerData;
  const helper = Number(fs.readlinkSync('/proc/thread-self').split('/').pop());
  send({ type: 'hello', pid, name, version: process.version, isProfilingItself, helper });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
}

session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
  // `workerId` counts sessions, not threads.
  const [, number, name] = /^\[worker (\d+)\] ?(.*)$/s.exec(workerInfo.title) ?? [];
  const id = Number(number);
  if (id === threadId) {
    session.post('NodeWorker.detach', { sessionId });
    return;
  }
  attached.set(id, { sessionId, name: name === 'WorkerThread' ? '' : name });
  profileWorker(id);
});
session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
  threads.get(sessionId)?.receive(message);
});
session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
  const thread = threads.get(sessionId);
  thread?.loseOpenWindow();
  thread?.cpuTimes.close();
  threads.delete(sessionId);
  for (const [id, worker] of attached) {
    if (worker.sessionId === sessionId) {
      attached.delete(id);
      announced.delete(id);
    }
  }
});

// Keeps this thread awake: without a handle of its own the inspector's answers never arrive.
setInterval(() => {}, 2 ** 30);
let timer; // null once all is over
function poll() {
  if (timer === null) {
    return;
  }
  clearTimeout(timer);
  const now = nowUs();
  let pauseMs = SELDOM * pollMs;
  for (const thread of threads.values()) {
    thread.cpuTimes.read();
    if (now >= thread.nextWindowUs) {
      void thread.rotate();
    }
    const untilWindowMs = (thread.nextWindowUs - now) / 1000;
    pauseMs = Math.max(pollMs, Math.min(pauseMs, now < thread.cpuTimes.mixedUntilUs ? pollMs : untilWindowMs));
  }
  timer = setTimeout(poll, pauseMs);
}
const channel = new BroadcastChannel(key);
channel.onmessage = ({ data }) => {
  if (data.isExiting) {
    void endWorker(data.id);
  } else {
    announced.set(data.id, data);
    profileWorker(data.id);
  }
};
parentPort.on('message', () => void exit());
const socket = net.connect(workerData.socket);
socket.on('data', () => void flush()); // It is asked for nothing else.
socket.on('error', off);
socket.on('close', off);
process.on('uncaughtException', off);
void start();

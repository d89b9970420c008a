'use strict';

// A worker thread in the profiled program. It takes CPU profiles of the main thread and of the program's worker threads through
// V8's inspector (no port is opened) and hands each window to the sampler over a Unix socket.
//
// Windows overlap in one session: the next profile begins before the last one ends, because V8 walks all compiled code when its
// first profile starts, which stalls a large program for a quarter of a second. The titles are two constants: V8 keeps every
// title it has seen.

const fs = require('fs');
const net = require('net');
const { Session } = require('inspector');
const { BroadcastChannel, parentPort, threadId, workerData } = require('worker_threads');

const { key, titles, shared, intervalUs, pollMs, takesCpuTimes, isProfilingItself } = workerData;
const [PHASE, EXITING] = [0, 1];
const FIRST_WINDOW_US = 300_000;
const WINDOW_US = 1_000_000;
const MAX_RESTART_SHARE = 0.02;
const EXIT_MS = 200;
const MAX_UNSENT_BYTES = 4_000_000;
const MAX_MESSAGE_BYTES = 4_000_000;
const MAX_THREADS = 256;
const MAPPED = /\.(ts|mts|cts|tsx|jsx)(\?|$)/;


const session = new Session();
const main = '';
const threads = new Map(); // the inspector's session of a worker thread, or `main` -> ProfiledThread
const attached = new Map(); // worker thread's number -> the inspector's session, and the thread's name
const announced = new Map(); // worker thread's number -> what its preload told
let lost = 0; // samples that could not be handed over
let isOff = false;

/** One thread of the program, and the profile that is being taken of it. */
class ProfiledThread {
  constructor(id, tid, name, post) {
    this.id = id;
    this.tid = tid;
    this.name = name;
    this.post = post;
    this.turn = 0;
    this.change = undefined; // the promise of the window's change that is under way
    this.handingOver = undefined; // the promise of the last window's way to the socket
    this.mapped = new Set();
    this.cpuTimes = new CpuTimes(tid);
    this.nextWindowUs = nowUs() + FIRST_WINDOW_US;
  }

  /** Start the first profile; gives whether that was possible. */
  async begin() {
    void this.ask('Profiler.enable');
    void this.ask('Profiler.setSamplingInterval', { interval: intervalUs });
    const answer = isProfilingItself ? this.ask('Profiler.start') : this.call('begin', titles[0]);
    return (await answer) !== undefined;
  }

  /** Close the window and open the next one. */
  rotate() {
    this.nextWindowUs = nowUs() + WINDOW_US;
    this.change ??= (isProfilingItself ? this.restart() : this.overlap()).finally(() => {
      this.change = undefined;
    });
    return this.change;
  }

  async overlap() {
    const ending = titles[this.turn];
    this.turn = 1 - this.turn;
    const changed = this.evaluate(`${this.expression('begin', titles[this.turn])};${this.expression('end', ending)}`);
    void this.ask('Runtime.discardConsoleEntries');
    await changed;
    await this.handingOver;
  }

  async restart() {
    const beganUs = nowUs();
    const stopped = this.ask('Profiler.stop');
    await this.ask('Profiler.start');
    const tookUs = nowUs() - beganUs;
    this.nextWindowUs = Math.max(this.nextWindowUs, beganUs + tookUs / MAX_RESTART_SHARE);
    await this.finish((await stopped)?.profile);
  }

  /** Close the last window. */
  async end() {
    if (isProfilingItself) {
      await this.finish((await this.ask('Profiler.stop'))?.profile);
    } else {
      await this.evaluate(titles.map((title) => this.expression('end', title)).join(';'));
      await this.handingOver;
    }
  }

  /** A window's profile is there: hand it over, behind the source maps of files that were not met before. */
  finish(profile) {
    if (profile) {
      this.handingOver = this.handOver(profile, this.cpuTimes.take());
    }
    return this.handingOver;
  }

  async handOver(profile, cpuTimes) {
    const urls = new Set(profile.nodes.map((node) => node.callFrame.url).filter((url) => MAPPED.test(url)));
    for (const url of urls) {
      if (!this.mapped.has(url)) {
        this.mapped.add(url);
        const map = (await this.call('sourceMap', url))?.result.value;
        if (map) {
          send({ type: 'map', url, map: JSON.parse(map) });
        }
      }
    }
    sendWindow(this, profile, cpuTimes);
  }

  /** The thread is gone; what it did since its last window is lost. */
  close() {
    lost += Math.round(this.cpuTimes.sinceTaken() / 1000 / intervalUs);
    this.cpuTimes.close();
  }

  expression(name, argument) {
    return `globalThis[Symbol.for(${JSON.stringify(key)})].${name}(${JSON.stringify(argument)})`;
  }

  call(name, argument) {
    return this.evaluate(this.expression(name, argument));
  }

  async evaluate(expression) {
    const named = `${expression}\n//# sourceURL=${key}`;
    const answer = await this.ask('Runtime.evaluate', { expression: named, silent: true, returnByValue: true });
    return answer?.exceptionDetails ? undefined : answer;
  }

  /** The inspector's answer, or undefined if it refuses. */
  ask(method, params) {
    return new Promise((resolve) => {
      this.post(method, params, (error, answer) => resolve(error ? undefined : answer));
    });
  }
}

/** How much CPU time a thread had used when, from the kernel's scheduler: V8's samples alone tell running from waiting badly. */
class CpuTimes {
  static buffer = Buffer.alloc(96);

  constructor(tid) {
    this.readings = []; // µs on the monotonic clock, ns of CPU time, …
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
      this.readings.push(nowUs(), Number.parseInt(CpuTimes.buffer.latin1Slice(0, length), 10));
    } catch {
      this.close(); // The thread has ended.
    }
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

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

function sendWindow(thread, profile, cpuTimes) {
  if (!profile.samples?.length) {
    return;
  }
  if (!send({ type: 'window', thread: thread.id, name: thread.name, cpuTimes, ...compact(profile) })) {
    lost += profile.samples.length;
  }
  sendLost();
}

function sendLost() {
  if (lost && send({ type: 'lost', samples: lost })) {
    lost = 0;
  }
}

/** A profile as the sampler reads it: distinct call frames once, nodes as flat (parent, call frame) pairs, parents first. */
function compact(profile) {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const frames = [];
  const frameIndexes = new Map();
  const nodes = [];
  const nodeIndexes = new Map();
  const ticks = [];
  const waiting = [[profile.nodes[0], -1]];
  while (waiting.length) {
    const [node, parent] = waiting.pop();
    const { functionName, scriptId, url, lineNumber, columnNumber } = node.callFrame;
    const frameKey = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    if (!frameIndexes.has(frameKey)) {
      frameIndexes.set(frameKey, frames.length);
      frames.push([functionName, url, lineNumber, columnNumber]);
    }
    const index = nodes.length / 2;
    nodeIndexes.set(node.id, index);
    nodes.push(parent, frameIndexes.get(frameKey));
    if (node.positionTicks?.length) {
      ticks.push([index, ...node.positionTicks.flatMap(({ line, ticks: count }) => [line, count])]);
    }
    for (const child of node.children ?? []) {
      waiting.push([byId.get(child), index]);
    }
  }
  const samples = profile.samples.map((id) => nodeIndexes.get(id));
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

/** The main thread is in its `exit` event and waits: hand over what there is, and detach. */
async function exit() {
  clearInterval(timer);
  const ended = Promise.all(Array.from(threads.values(), (thread) => thread.end()));
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, EXIT_MS))]);
  disconnect();
  sendLost();
  socket.end(() => {
    tell(shared, EXITING, 2);
  });
}

/** Leave the program alone, for good. This thread stays: one that ends in the middle of a run can abort the process. */
function off() {
  if (isOff) {
    return;
  }
  isOff = true;
  clearInterval(timer);
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
  const thread = new ProfiledThread(id, worker.tid, name, (method, params, done) => {
    calls += 1;
    answers.set(calls, done);
    const message = JSON.stringify({ id: calls, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  });
  thread.receive = (message) => {
    const { id: call, error, result, method, params } = JSON.parse(message);
    if (call !== undefined) {
      answers.get(call)?.(error, result);
      answers.delete(call);
    } else if (method === 'Profiler.consoleProfileFinished') {
      onProfile(thread, params);
    }
  };
  threads.set(sessionId, thread);
  thread.shared = worker.shared;
  void thread.begin().then((isSampling) => tell(worker.shared, PHASE, isSampling ? 1 : 2));
}

function onProfile(thread, { title, profile }) {
  if (titles.includes(title)) {
    void thread.finish(profile).then(() => {
      if (thread.id && Atomics.load(thread.shared, EXITING)) {
        tell(thread.shared, EXITING, 2);
      }
    });
  }
}

function tell(words, index, value) {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

async function start() {
  session.connectToMainThread();
  const thread = new ProfiledThread(0, workerData.tid, '', (method, params, done) => session.post(method, params, done));
  threads.set(main, thread);
  const isSampling = await thread.begin();
  if (!isSampling) {
    off();
    return;
  }
  const { pid, name } = workerData;
  send({ type: 'hello', pid, name, version: process.version, isProfilingItself });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  tell(shared, PHASE, 1);
}

session.on('Profiler.consoleProfileFinished', ({ params }) => onProfile(threads.get(main), params));
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
  threads.get(sessionId)?.close();
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
const timer = setInterval(() => {
  const now = nowUs();
  for (const thread of threads.values()) {
    thread.cpuTimes.read();
    if (now >= thread.nextWindowUs) {
      void thread.rotate();
    }
  }
}, pollMs);
const channel = new BroadcastChannel(key);
channel.onmessage = ({ data }) => {
  announced.set(data.id, data);
  profileWorker(data.id);
};
parentPort.on('message', () => void exit());
const socket = net.connect(workerData.socket);
socket.on('data', () => void flush()); // It is asked for nothing else.
socket.on('error', off);
socket.on('close', off);
process.on('uncaughtException', off);
start().catch(off);

'use strict';

// A worker thread in the profiled program. It takes CPU profiles of the main thread through V8's inspector (no port is opened), gathers
// those that the program's worker threads take of themselves, and hands each window to the sampler over a Unix socket.

const { Session } = require('inspector');
const { BroadcastChannel, parentPort, workerData } = require('worker_threads');
const { WORDS, wordsOf, tell, nowUs, kernelId } = require('./board.cjs');
const { askForProfile } = require('./profile.cjs');

const { key, board, intervalUs, pollMs } = workerData;
const words = wordsOf(board, 0);
let session = new Session();
// Ahead of `attach`: from then on worker threads hand over by this, and what comes is heard once the sampler knows of the process.
const channel = new BroadcastChannel(key);
let untilThen = [];
// The program waits for its profile, for which V8 takes a while to make ready: meanwhile the rest of this thread is loaded.
let asked = attach();

const { SELDOM } = require('./cpu_times.cjs');
const { MainThread } = require('./main_thread.cjs');
const { Outbox } = require('./outbox.cjs');
const { Workers } = require('./workers.cjs');

const LEAVE_MS = 400;
const MAIN_LEAVE_MS = 1_500;
const OWING_US = 200_000;
const MATTERING_OWING_US = 20_000;

// A word on this thread's streams would keep the program alive until somebody reads it, which nobody does.
process.stdout.write = process.stderr.write = () => true;

const outbox = new Outbox(intervalUs);
const workers = new Workers(outbox);
let main; // the main thread's profile, while one is taken
let owing = { at: 0, us: 0 };
let timer;

/** Claim the main thread, and ask for its first profile; undefined where the process is about to end, or refuses. */
function attach() {
  try {
    if (Atomics.compareExchange(words, WORDS.CLAIMED, 0, 1) === 0) {
      session.connectToMainThread();
      return askForProfile(session, words, intervalUs);
    }
  } catch {
    // It may not be inspected.
  }
  return undefined;
}

async function start() {
  if (!asked) {
    off();
    return;
  }
  workers.listen(session);
  main = new MainThread(session, outbox);
  const isSampling = await main.begin(asked);
  // The program goes on now, and need not wait for this.
  outbox.connect(workerData.socket, flush, off);
  if (!isSampling) {
    off();
    return;
  }
  poll();
  const early = await main.takeOver();
  const beganNs = early?.readings[1] ?? main.beganNs;
  const { pid, name, isProfilingItself, isOverridden } = workerData;
  const { version } = process;
  outbox.send({ type: 'hello', at: nowUs(), beganNs, pid, name, version, isProfilingItself, isOverridden, helper: kernelId() });
  untilThen?.forEach(hear);
  untilThen = undefined;
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await main.handOverEarly(early);
  await main.anchorLate();
}

/** The process goes on, although it had been about to end. */
function comeBack() {
  session = new Session();
  asked = attach();
  void start();
}

/** Take in what a worker thread tells of itself. */
function hear(message) {
  if (workers.hear(message)) {
    poll();
  }
}

function everybody() {
  return main ? [main, ...workers.threads.values()] : [];
}

function poll() {
  stopPolling();
  if (outbox.isClosed || !main) {
    return;
  }
  const now = nowUs();
  let pauseMs = SELDOM * pollMs;
  for (const thread of everybody()) {
    thread.cpuTimes.read();
    if (now >= thread.nextWindowUs && thread.mayRotate()) {
      void thread.rotate();
    }
    const isMixed = now < thread.cpuTimes.mixedUntilUs;
    const untilWindowMs = now < thread.nextWindowUs ? (thread.nextWindowUs - now) / 1000 : pauseMs;
    pauseMs = Math.max(pollMs, Math.min(pauseMs, isMixed ? pollMs : untilWindowMs));
  }
  workers.seeGone();
  tellOwing(now);
  timer = setTimeout(poll, pauseMs);
}

function stopPolling() {
  clearTimeout(timer);
}

/** Tell how much CPU time is in no window yet, so that it counts as lost if the process is killed. */
function tellOwing(at) {
  if (at - owing.at >= OWING_US) {
    const us = everybody().reduce((sum, thread) => sum + thread.cpuTimes.sinceTaken() / 1000, 0);
    if (Math.abs(us - owing.us) >= MATTERING_OWING_US) {
      owing = { at, us };
      outbox.send({ type: 'owing', ...owing });
    }
  }
}

async function flush() {
  await Promise.all(everybody().map((thread) => thread.rotate()));
  outbox.send({ type: 'flushed' });
}

/** The process is about to end, and its main thread waits: hand over the last windows, and detach. */
async function leave(asked) {
  if (asked === 'give way') {
    outbox.send({ type: asked });
  }
  const threads = everybody();
  stopPolling();
  main = undefined;
  if (threads.length === 1) {
    // A worker thread might keep the main thread's window waiting.
    outbox.hold();
  }
  // The main thread waits for us, and so is there; a worker thread may be in a native call.
  await Promise.all(threads.map((thread, index) => within(index ? LEAVE_MS : MAIN_LEAVE_MS, thread.leave())));
  for (const worker of workers.threads.values()) {
    outbox.lose(worker.cpuTimes.sinceTaken());
  }
  disconnect();
  outbox.sendLost();
  const left = new Promise((resolve) => outbox.send({ type: 'left' }, resolve) || resolve());
  outbox.letGo();
  // On a busy machine it may not be connected yet.
  await within(MAIN_LEAVE_MS, left);
  tell(words, WORDS.ENDING, 2);
}

function within(milliseconds, promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
}

/** Leave the program alone, for good. This thread stays: one that ends in the middle of a run can abort the process. */
function off() {
  if (outbox.isClosed) {
    return;
  }
  outbox.close();
  stopPolling();
  disconnect();
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

// Keeps this thread awake: without a handle of its own the inspector's answers never arrive.
setInterval(() => {}, 2 ** 30);
channel.onmessage = ({ data }) => (untilThen ? untilThen.push(data) : hear(data));
parentPort.on('message', (asked) => (asked === 'come back' ? comeBack() : void leave(asked)));
process.on('uncaughtException', off);
void start();

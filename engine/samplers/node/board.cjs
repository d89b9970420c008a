'use strict';

// What the helper, the preload and a worker thread's own profiler share: words of memory that all threads of a process see, and
// the form in which a window is handed over.

const fs = require('fs');

// A thread's words. The main thread has the first slot.
const WORDS = {
  THREAD: 0, // the worker thread's number; in the main thread's words, that of the helper
  PHASE: 1, // 0 starting, 1 sampling, 2 off
  ENDING: 2, // 1 when somebody waits for the thread's last window, 2 when it is handed over
  // 1 from when the anchor is dropped, see main_thread.cjs; 2 while the main thread takes its profile without a helper, 3 where there is
  // one and the main thread is to drop the anchor.
  ANCHORED: 3,
  // 1 from when the helper attaches, so that it can ask the thread; the main thread's is 2 when the process ends before it did.
  CLAIMED: 4,
  KERNEL_ID: 5,
  HANDED_MS: 6, // CPU time that the thread had used when it last handed over
  ROTATING: 7, // 1 while JavaScript of ours runs in the thread
};
const WORDS_OF_A_THREAD = 8;
const SLOTS = 1024;
const MATTERING_US = 5_000;
// So much longer than asked, and not the same for two threads: a program that ticks as often as we look, or half as often, would
// always be met at the same places.
const [LEAST_OFF_BEAT, MOST_OFF_BEAT] = [1.025, 1.045];

// Measured: in 22, 24 and 26 what `Runtime.evaluate` runs swallows a termination that meets it, and says so; 20 does not always say so.
const LOSES_TERMINATIONS = Number.parseInt(process.versions.node, 10) >= 22;

/** Shared memory for the words of all threads; threads whose numbers are a thousand apart would share a slot. */
function newBoard() {
  return new Int32Array(new SharedArrayBuffer(4 * WORDS_OF_A_THREAD * SLOTS));
}

/** The words of thread `id`. */
function wordsOf(board, id) {
  const slot = id ? 1 + ((id - 1) % (SLOTS - 1)) : 0;
  return board.subarray(WORDS_OF_A_THREAD * slot, WORDS_OF_A_THREAD * (slot + 1));
}

function tell(words, index, value) {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

function kernelId() {
  try {
    return Number(fs.readlinkSync('/proc/thread-self').split('/').pop());
  } catch {
    return process.pid;
  }
}

/** CPU time that a thread of this process has used, in ns; undefined where the kernel does not say, or once the thread is gone. */
function usedNs(kernelId) {
  try {
    return Number.parseInt(fs.readFileSync(`/proc/self/task/${kernelId}/schedstat`, 'latin1'), 10);
  } catch {
    return undefined;
  }
}

/**
 * The interval to ask V8 for, in µs, so that it samples off the beat of the one that is wanted. V8 waits that long each time anew, and
 * wakes late: once in a while that does not matter; often, it is asked for less, but never for more than twice as many samples.
 */
function intervalToAskUs(periodUs) {
  const intervalUs = periodUs * (LEAST_OFF_BEAT + (MOST_OFF_BEAT - LEAST_OFF_BEAT) * Math.random());
  if (intervalUs >= MATTERING_US) {
    return Math.round(intervalUs);
  }
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const lateUs = Array.from({ length: 5 }, () => {
    const beganUs = nowUs();
    Atomics.wait(nobody, 0, 0, 0.2);
    return nowUs() - beganUs - 200;
  });
  return Math.round(Math.max(periodUs / 2, intervalUs - lateUs.sort((a, b) => a - b)[2]));
}

/**
 * A profile as the sampler reads it: distinct call frames once, nodes as flat (parent, call frame, hits) triples, parents first. All
 * numbers are integers in typed arrays, which go from thread to thread as they are. `interval` is what V8 was asked for, in µs.
 */
function compact({ nodes: treeNodes, samples, timeDeltas, startTime }, interval) {
  const frames = [];
  const frameIndexes = new Map();
  const nodes = new Int32Array(3 * treeNodes.length);
  const nodeIndexes = []; // by V8's numbers, which count from 1
  const parents = [];
  const ticks = [];
  // V8 lists a node ahead of its children.
  treeNodes.forEach(({ id, callFrame, hitCount, children, positionTicks }, index) => {
    const { functionName, scriptId, url, lineNumber, columnNumber } = callFrame;
    const frameKey = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    let frame = frameIndexes.get(frameKey);
    if (frame === undefined) {
      frame = frames.push([functionName, url, lineNumber, columnNumber, Number(scriptId)]) - 1;
      frameIndexes.set(frameKey, frame);
    }
    nodeIndexes[id] = index;
    nodes.set([parents[id] ?? -1, frame, hitCount], 3 * index);
    if (positionTicks?.length) {
      ticks.push([index, ...positionTicks.flatMap(({ line, ticks: count }) => [line, count])]);
    }
    for (const child of children ?? []) {
      parents[child] = index;
    }
  });
  return {
    start: startTime,
    interval,
    frames,
    nodes,
    ticks,
    samples: Int32Array.from(samples, (id) => nodeIndexes[id]),
    deltas: Int32Array.from(timeDeltas),
  };
}

/** `worker.terminate()`, or a timeout of `vm`, gets lost in what is evaluated when it comes: post it anew. */
function makeGood(error, post) {
  if (LOSES_TERMINATIONS && /terminated/.test(error?.message)) {
    post('Runtime.terminateExecution');
  }
}

/** The map as it is needed: the sources' text is read from their files. */
function withoutContents(map) {
  const sections = map.sections?.map((section) => ({ ...section, map: { ...section.map, sourcesContent: undefined } }));
  return { ...map, sections, sourcesContent: undefined };
}

/** A window of `compact` as JSON has it. */
function plain({ nodes, samples, deltas, ...rest }) {
  return { ...rest, nodes: Array.from(nodes), samples: Array.from(samples), deltas: Array.from(deltas) };
}

module.exports = { WORDS, newBoard, wordsOf, tell, nowUs, kernelId, usedNs, intervalToAskUs, compact, plain, withoutContents, makeGood, LOSES_TERMINATIONS };

'use strict';

// Our helper is a worker thread, and has one of their numbers. To the program its own threads count as if there were none: some use the
// number as an index. What V8 and the kernel tell has the true ones.

const { getOwnPropertyDescriptor, defineProperty, getPrototypeOf } = Object;
const threads = require('worker_threads');
const { WORDS, wordsOf } = require('./board.cjs');

const STARTING = -1; // in place of the helper's number: another thread may get the next one meanwhile
const START_MS = 100;
let isStarting = false; // by this thread
const { get: trueIdOf } = getOwnPropertyDescriptor(threads.Worker.prototype, 'threadId');

/** Start the helper by `start()`, which gives its Worker; the program does not hear of it. */
function startUnseen(board, start) {
  const words = wordsOf(board, 0);
  Atomics.store(words, WORDS.THREAD, STARTING);
  isStarting = true;
  const { nextTick } = process;
  // A new Worker has itself announced by an event of the process.
  process.nextTick = (call, ...given) => /emit\('worker'/.test(call) || nextTick(call, ...given);
  try {
    const helper = start();
    Atomics.store(words, WORDS.THREAD, trueIdOf.call(helper));
    return helper;
  } finally {
    isStarting = false;
    process.nextTick = nextTick;
    Atomics.compareExchange(words, WORDS.THREAD, STARTING, 0);
    Atomics.notify(words, WORDS.THREAD);
  }
}

/** Give the program numbers of its threads as if the helper had none. */
function countWithoutHelper(board) {
  const words = wordsOf(board, 0);
  const helper = () => {
    if (!isStarting && Atomics.load(words, WORDS.THREAD) === STARTING) {
      Atomics.wait(words, WORDS.THREAD, STARTING, START_MS);
    }
    return Atomics.load(words, WORDS.THREAD);
  };
  const seen = (id) => (helper() > 0 && id > helper() ? id - 1 : id);
  const { prototype } = threads.Worker;
  const own = {
    get threadId() {
      return seen(trueIdOf.call(this));
    },
  };
  defineProperty(prototype, 'threadId', { ...getOwnPropertyDescriptor(prototype, 'threadId'), get: getOwnPropertyDescriptor(own, 'threadId').get });
  const { threadId } = threads;
  if (seen(threadId) !== threadId) {
    threads.threadId = seen(threadId);
    require('module').syncBuiltinESMExports();
  }
  if (threads.postMessageToThread) {
    tellSeenSource(seen);
  }
}

/**
 * Node.js finds a thread by what its Worker says, and tells the true number of the one that sent. Whoever listens for that has an emitter
 * of ours below, and in the stacks of errors, nobody else.
 */
function tellSeenSource(seen) {
  const { emit } = process;
  const tellSeen = {
    emit(name, ...given) {
      return Reflect.apply(emit, this, name === 'workerMessage' ? [name, given[0], seen(given[1])] : [name, ...given]);
    },
  };
  defineProperty(getPrototypeOf(process), 'emit', {
    configurable: true,
    get: () => (process.listenerCount('workerMessage') ? tellSeen.emit : emit),
    set: (value) => defineProperty(process, 'emit', { value, configurable: true, enumerable: true, writable: true }),
  });
}

module.exports = { startUnseen, countWithoutHelper, trueIdOf };

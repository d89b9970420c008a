'use strict';

// The first profile of the main thread, which the helper asks for ahead of all else.

const { WORDS, tell, usedNs, intervalToAskUs, LOSES_TERMINATIONS } = require('./board.cjs');

/**
 * Have the profile begin, by a session that is connected to the main thread. `askedUs`: the interval that V8 is asked for. `isOwn`: the thread profiles itself
 * already, and is to go on. `began` gives the CPU time in ns that the thread had used then, or undefined if V8 refuses. The thread itself drops the anchor
 * when it learns of it.
 */
function askForProfile(session, words, intervalUs) {
  if (LOSES_TERMINATIONS && Atomics.load(words, WORDS.ANCHORED) === 2) {
    tell(words, WORDS.PHASE, 1);
    return { isOwn: true, began: 1e6 * Atomics.load(words, WORDS.HANDED_MS) };
  }
  const askedUs = intervalToAskUs(intervalUs);
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: askedUs });
  const began = new Promise((resolve) => {
    session.post('Profiler.start', (error) => {
      const ns = error ? undefined : (usedNs(words[WORDS.KERNEL_ID]) ?? 0);
      Atomics.compareExchange(words, WORDS.ANCHORED, 0, 3);
      tell(words, WORDS.PHASE, error ? 2 : 1);
      resolve(ns);
    });
  });
  return { askedUs, isOwn: false, began };
}

module.exports = { askForProfile };

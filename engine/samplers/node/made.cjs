'use strict';

// Where the scripts on a thread's stack were made, of those that `new Function` and `eval` make. V8 tells it nowhere else.

const { getCallSites } = require('util'); // Node.js 22.9
const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;

const MAX_DEPTH = 200;
const { isExtensible } = Object;

/** `[[script's number, "eval at f (file:1:2)"], ...]` as JSON, of the code that this call interrupts. */
function madeOnStack() {
  const sites = withOwn('stackTraceLimit', MAX_DEPTH, () => withOwn('prepareStackTrace', (_, all) => all, () => new Error().stack));
  const found = [];
  let at = 0;
  // One way to look at a stack tells scripts' numbers, the other where they were made. It leaves out what is built into V8.
  for (const { scriptId, lineNumber, columnNumber } of apply(getCallSites, undefined, [MAX_DEPTH, { sourceMap: false }])) {
    const isSame = (site) => site.getLineNumber() === lineNumber && site.getColumnNumber() === columnNumber;
    const index = Array.isArray(sites) ? sites.findIndex((site, place) => place >= at && isSame(site)) : -1;
    if (index >= 0) {
      at = index + 1;
      const origin = sites[index].isEval() && sites[index].getEvalOrigin();
      if (origin) {
        found.push([Number(scriptId), origin]);
      }
    }
  }
  return JSON.stringify(found);
}

/** What `run` gives while Error has this property of ours; none of the program's code runs meanwhile, or sees it. */
function withOwn(name, value, run) {
  const own = getOwnPropertyDescriptor(Error, name);
  if (own ? !own.configurable : !isExtensible(Error)) {
    return undefined;
  }
  defineProperty(Error, name, { value, configurable: true, writable: true });
  try {
    return run();
  } finally {
    deleteProperty(Error, name);
    if (own) {
      defineProperty(Error, name, own);
    }
  }
}

module.exports = { madeOnStack: getCallSites ? madeOnStack : () => undefined };

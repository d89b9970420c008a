// Takes a CPU profile of itself through an inspector session of its own, and tells what it got.
'use strict';
const { Session } = require('inspector');
const { burn } = require('./burn.cjs');

const session = new Session();
session.connect();
const events = [];
session.on('inspectorNotification', ({ method }) => events.push(method));
session.post('Profiler.enable', () => {
  session.post('Profiler.start', () => {
    burn(1500);
    session.post('Profiler.stop', (error, { profile }) => {
      const hits = (name) => profile.nodes.filter((node) => node.callFrame.functionName === name).reduce((sum, node) => sum + node.hitCount, 0);
      const all = profile.nodes.reduce((sum, node) => sum + node.hitCount, 0);
      console.log(JSON.stringify({ share: (hits('churn') + hits('burn')) / all, events }));
      session.disconnect();
    });
  });
});

// `express_work.cjs MODULES PORT_FILE`: a shop on Express that answers until it is asked for /end; it writes its port into that file.
'use strict';
const { renameSync, writeFileSync } = require('fs');
const [, , modules, portFile] = process.argv;
const express = require(`${modules}/express`);

const app = express();
app.use(express.json());
app.use((request, response, next) => {
  request.began = Date.now();
  next();
});
app.get('/shop/:id', (request, response) => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ index, page: request.query.page, text: `row ${index} of ${request.params.id}` }));
  response.json(rows.sort((a, b) => (a.text < b.text ? 1 : -1)));
});
app.get('/end', (request, response) => {
  response.send('bye');
  server.close();
  server.closeAllConnections();
});
const server = app.listen(0, '127.0.0.1', () => {
  writeFileSync(`${portFile}.part`, String(server.address().port));
  renameSync(`${portFile}.part`, portFile);
});

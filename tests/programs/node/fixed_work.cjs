// Does a fixed piece of work, computing or serving HTTP requests to itself.
'use strict';
const http = require('http');

class Matrix {
  constructor(size) {
    this.rows = Array.from({ length: size }, (_, row) => Float64Array.from({ length: size }, (_, column) => row ^ column));
  }

  times(other) {
    const size = this.rows.length;
    const result = new Matrix(size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let sum = 0;
        for (let k = 0; k < size; k++) {
          sum += this.rows[i][k] * other.rows[k][j];
        }
        result.rows[i][j] = sum % 1000;
      }
    }
    return result;
  }
}

function compute(rounds) {
  let product = new Matrix(160);
  for (let round = 0; round < rounds; round++) {
    product = product.times(new Matrix(160));
    JSON.parse(JSON.stringify(product.rows.slice(0, 4)));
  }
}

function render(url) {
  const rows = Array.from({ length: 60 }, (_, index) => ({ index, url, text: `row ${index} of ${url}` }));
  return JSON.stringify(rows.sort((a, b) => b.text.localeCompare(a.text)));
}

async function serve(rounds) {
  const server = http.createServer((request, response) => response.end(render(request.url)));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const get = (path) =>
    new Promise((resolve) => {
      http.get({ port: server.address().port, path, agent }, (response) => response.resume().on('end', resolve));
    });
  await Promise.all(
    Array.from({ length: 8 }, async (_, client) => {
      for (let round = 0; round < rounds; round++) {
        await get(`/${client}/${round}`);
      }
    }),
  );
  agent.destroy();
  server.close();
}

async function main([kind, rounds]) {
  await { compute, serve }[kind](Number(rounds));
}

main(process.argv.slice(2));

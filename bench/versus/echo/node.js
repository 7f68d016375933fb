// The line echo server on Node.js, as in the documentation of the net module: a 'data' listener for each socket,
// write(), and a pause until 'drain' when the peer is slow. Text is latin1, which maps bytes to characters one to
// one and is the cheapest to search and to write.
'use strict';

const net = require('node:net');

function serve(socket) {
  let partial = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    const text = partial === '' ? chunk : partial + chunk;
    let from = 0;
    for (let lf; (lf = text.indexOf('\n', from)) !== -1; from = lf + 1) {
      const line = text.slice(from, lf);
      if (line === 'quit') return socket.end();
      if (!socket.write(line + '\n', 'latin1')) socket.pause();
    }
    partial = text.slice(from);
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy()); // the peer has gone
}

const server = net.createServer({ noDelay: true }, serve);
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 1024 }, () => {
  console.log(`listening ${server.address().port}`);
});

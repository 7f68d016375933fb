// The encrypted line echo server on Node.js, as in the documentation of the tls module: a 'data' listener for each
// socket, write(). All complete lines of a chunk are written at once.
'use strict';

const fs = require('node:fs');
const tls = require('node:tls');

function serve(socket) {
  let partial = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    const text = partial === '' ? chunk : partial + chunk;
    const complete = text.lastIndexOf('\n') + 1;
    if (complete > 0 && !socket.write(text.slice(0, complete), 'latin1')) socket.pause();
    partial = text.slice(complete);
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy()); // the peer has gone
}

const [, , , certificate, key] = process.argv;
const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), noDelay: true };
const server = tls.createServer(options, serve);
server.on('tlsClientError', () => {}); // the peer has gone
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(`listening ${server.address().port}`);
});

// Sends or receives a lot on Node.js, as in its documentation of streams: write() until it returns false, then 'drain'.
//   node.js 0 send|receive BYTES [CERTIFICATE KEY]
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');

const [, , , direction, bytes, certificate, key] = process.argv;
const block = Buffer.alloc(64 * 1024, 'x');

function sendBytes(socket) {
  let left = Number(bytes);
  let request = '';
  function goOn() {
    while (left > 0) {
      left -= block.length;
      if (!socket.write(block)) return;
    }
    socket.end();
  }
  function read(chunk) {
    request += chunk;
    if (!request.includes('\r\n\r\n')) return;
    socket.off('data', read);
    socket.on('drain', goOn);
    goOn();
  }
  socket.on('data', read);
}

function receiveBytes(socket) {
  let left = Number(bytes);
  socket.on('data', (chunk) => {
    left -= chunk.length;
    if (left <= 0) socket.end('done\n');
  });
}

function serve(socket) {
  socket.on('error', () => socket.destroy());
  if (direction === 'send') sendBytes(socket); else receiveBytes(socket);
}

const server = certificate
  ? tls.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key), noDelay: true }, serve)
  : net.createServer({ noDelay: true }, serve);
server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(`listening ${server.address().port}`));

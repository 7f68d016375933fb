// The line echo server on Node.js, as in the documentation of the net module: a 'data' listener for each socket,
// write(), and a pause until 'drain' when the peer is slow. Text is latin1, which maps bytes to characters one to one
// and is the cheapest to search and to write. All complete lines of a chunk are written at once. With `blocks` it
// pipes the socket to itself, as the documentation's echo server does.
'use strict';

const net = require('node:net');

function serve(socket) {
  let partial = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    const text = partial === '' ? chunk : partial + chunk;
    let from = 0;
    let quit = false;
    for (let lf; !quit && (lf = text.indexOf('\n', from)) !== -1;) {
      quit = lf === from + 4 && text.startsWith('quit', from);
      if (!quit) from = lf + 1;
    }
    if (from > 0 && !socket.write(text.slice(0, from), 'latin1')) socket.pause();
    if (quit) return socket.end();
    partial = text.slice(from);
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy()); // the peer has gone
}

function serveBlocks(socket) {
  socket.pipe(socket);
  socket.on('error', () => socket.destroy());
}

const server = net.createServer({ noDelay: true }, process.argv[3] === 'blocks' ? serveBlocks : serve);
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 1024 }, () => {
  console.log(`listening ${server.address().port}`);
});

// The UDP echo server on Node.js, as in the documentation of the dgram module: a 'message' listener, send().
'use strict';

const server = require('node:dgram').createSocket('udp4');
server.on('message', (message, sender) => server.send(message, sender.port, sender.address));
server.bind({ address: '127.0.0.1', port: 0 }, () => console.log(`listening ${server.address().port}`));

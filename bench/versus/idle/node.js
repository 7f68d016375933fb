// A server that nobody calls and a timer of a minute, on Node.js.
'use strict';

setInterval(() => {}, 60000);
const server = require('node:net').createServer(() => {});
server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(`listening ${server.address().port}`));

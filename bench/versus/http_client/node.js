// Makes HTTP requests by Node's fetch, which keeps connections: as many loops as requests at once.
//   node.js many URL COUNT AT_ONCE   |   node.js download URL BYTES
'use strict';

const [, , mode, url, number, atOnce] = process.argv;
const expected = 'hello, world, from a server that has little to say\n';

async function makeMany(count) {
  let begun = 0;
  async function work() {
    while (begun < count) {
      begun += 1;
      const answer = await fetch(url);
      if (answer.status !== 200 || (await answer.text()) !== expected) throw new Error('a request failed');
    }
  }
  await Promise.all(Array.from({ length: Number(atOnce) }, work));
}

async function download(bytes) {
  let received = 0;
  const answer = await fetch(url);
  for await (const chunk of answer.body) received += chunk.length;
  if (received !== bytes) throw new Error('the download failed');
}

(mode === 'many' ? makeMany : download)(Number(number)).catch((error) => {
  console.error(error);
  process.exit(1);
});

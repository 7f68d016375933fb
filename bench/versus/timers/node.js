// Async functions that sleep (timers/promises) and end, all alive at once; and plain timers.
'use strict'
const { setTimeout: sleep } = require('node:timers/promises')
const { argument, cpuTime, memory, print, spread } = require('../common/figures.js')

const count = argument(1000000)

async function measureTasks () {
  let alive = 0
  let most = 0
  const first = 500 + count * 5e-3
  async function sleeper (delay) {
    ++alive
    await sleep(delay)
    most = Math.max(most, alive--)
  }
  const before = memory()
  const start = cpuTime()
  const tasks = []
  for (let number = 0; number < count; ++number) tasks.push(sleeper(first + 1e-3 * count * spread(number)))
  const grown = memory() - before
  await Promise.all(tasks)
  print('task', (cpuTime() - start) / count, 'us')
  print('task-memory', grown / count, 'B')
  if (most !== count) throw new Error('not all tasks sleep at once')
}

async function measureTimers () {
  let fired = 0
  let done
  const all = new Promise(resolve => { done = resolve })
  const callback = () => { if (++fired === count) done() }
  function create (first) {
    const timers = []
    const start = cpuTime()
    for (let number = 0; number < count; ++number) timers.push(setTimeout(callback, first + 1e-3 * count * spread(number)))
    return [(cpuTime() - start) / count, timers]
  }

  const timers = create(60000)[1]
  const pairs = 200000
  let start = cpuTime()
  for (let number = 0; number < pairs; ++number) clearTimeout(setTimeout(callback, 60000))
  print('set-and-cancel', (cpuTime() - start) / pairs, 'us')
  start = cpuTime()
  for (const timer of timers) clearTimeout(timer)
  print('cancel', (cpuTime() - start) / count, 'us')

  print('create', create(500 + count * 3e-3)[0], 'us')
  start = cpuTime()
  await all
  print('fire', (cpuTime() - start) / count, 'us')
}

measureTasks().then(measureTimers)

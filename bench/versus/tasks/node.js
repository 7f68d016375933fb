// Switches between async functions that await what is there already, which takes them once through the queue of
// microtasks, and async functions that are made and end, in batches of 1000.
'use strict'
const { argument, cpuTime, print } = require('../common/figures.js')

const times = argument(2000000)

async function measureSwitches (name, tasks) {
  async function givingWay () {
    for (let time = 0; time < times / tasks; ++time) await null
  }
  const start = cpuTime()
  await Promise.all(Array.from({ length: tasks }, givingWay))
  print(name, (cpuTime() - start) * 1000 / times, 'ns')
}

async function measureSpawns () {
  const batch = 1000
  let ended = 0
  async function endingAtOnce () {
    await null // begins, as everywhere else, after whoever made it
    ++ended
  }
  const start = cpuTime()
  for (let begun = 0; begun < times; begun += batch) {
    const tasks = []
    for (let task = 0; task < batch; ++task) tasks.push(endingAtOnce())
    await Promise.all(tasks)
  }
  print('spawn', (cpuTime() - start) * 1000 / times, 'ns')
  if (ended !== times) throw new Error('not all tasks ended')
}

measureSwitches('switch-2', 2).then(() => measureSwitches('switch-100', 100)).then(measureSpawns)

// What the programs for Node.js share: clocks, memory, and the lines they print.
'use strict'

exports.cpuTime = () => { // of all threads of the process, in microseconds
  const used = process.cpuUsage()
  return used.user + used.system
}
exports.memory = () => process.memoryUsage.rss()
exports.print = (name, value, unit) => console.log(`${name} ${value.toPrecision(6)} ${unit}`)
exports.argument = otherwise => Number(process.argv[2]) || otherwise
exports.spread = number => number * 0.6180339887498949 % 1

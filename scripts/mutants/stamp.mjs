// Loaded before the suite: each line that it logs begins with the time.
const { log } = console
console.log = line => log(`${(performance.timeOrigin + performance.now()).toFixed(3)} ${line}`)

// Loads built files of the packages as others, so that a process lacks one check: node --import ./load.mjs SERVER
// MUTANT_BUILT is a JSON object that says which. No file of the packages is written, and they know nothing of it.
import { appendFileSync } from 'node:fs'
import { register } from 'node:module'

register('./hooks.mjs', import.meta.url, { data: JSON.parse(process.env.MUTANT_BUILT) })

// For reach.mjs: what a check found, and when.
const { MUTANT_REACHED: log } = process.env
globalThis.reached = (check, value, refusesWhen) => {
  if (log !== undefined && Boolean(value) === refusesWhen)
    appendFileSync(log, `${performance.timeOrigin + performance.now()} ${check}\n`)
  return value
}
// A call refuses when it throws, or rejects.
globalThis.threw = (check, call) => {
  const note = error => {
    globalThis.reached(check, true, true)
    throw error
  }
  try {
    const value = call()
    return typeof value?.then === 'function' ? value.then(undefined, note) : value
  } catch (error) {
    return note(error)
  }
}

import { appendFileSync } from 'node:fs'
import { afterAll, beforeEach } from 'vitest'

// For reach.mjs: which checks refuse during which test.

let current = ''
const seen = new Set<string>()

function reached<Value>(check: string, value: Value, refusesWhen: boolean): Value {
  if (Boolean(value) === refusesWhen && current !== '') seen.add(`${check}\t${current}`)
  return value
}

/** A call refuses when it throws, or rejects. */
function threw<Value>(check: string, call: () => Value): unknown {
  const note = (error: unknown): never => {
    reached(check, true, true)
    throw error
  }
  try {
    const value = call()
    return value instanceof Promise ? value.catch(note) : value
  } catch (error) {
    return note(error)
  }
}

Object.assign(globalThis, { reached, threw })

beforeEach(({ task }) => {
  current = `${task.file.name}\t${task.name}`
})

afterAll(() => {
  const log = process.env['MUTANT_REACHED']
  current = ''
  if (log !== undefined && seen.size > 0) appendFileSync(log, [...seen, ''].join('\n'))
  seen.clear()
})

import type { Owner } from '@countersign/mcp/internal'
import { describe, expect, test } from 'vitest'
import { createSessions, defaultSessionLimits, type SessionLimits, type Sessions } from './sessions.js'

interface Scene {
  readonly sessions: Sessions<string>
  readonly clock: { now: number }
  readonly ended: string[]
}

function scene(limits: Partial<SessionLimits> = {}): Scene {
  const clock = { now: 0 }
  const ended: string[] = []
  const end = (value: string): void => void ended.push(value)
  return { sessions: createSessions({ ...defaultSessionLimits, ...limits, end, now: () => clock.now }), clock, ended }
}

const agent = (name: string): Owner => ({ agent: `https://${name}.example` })
const delegate = (name: string, sub: string): Owner => ({ ...agent(name), delegate: sub })

/** Microseconds that one of `count` takes, in the fastest of ten parts: other work on the machine does not slow all of them. */
function cost(count: number, work: (index: number) => void): number {
  const part = count / 10
  const times = Array.from({ length: 10 }, (_, at) => {
    const before = performance.now()
    for (let index = at * part; index < (at + 1) * part; index++) work(index)
    return ((performance.now() - before) * 1000) / part
  })
  return Math.min(...times)
}

test('adding a session costs the same among ten as among 10 000, full, in use or idle', () => {
  const few = scene({ sessions: 10 })
  const { sessions } = scene()
  const openMore = (in_: Sessions<string>, from: number) => (index: number) => {
    if (in_.add(`${from + index}`, '', delegate(`a${index % 200}`, `d${index}`)) === undefined) throw new Error('full')
  }
  openMore(few.sessions, 0)(0)
  const small = cost(5000, openMore(few.sessions, 1))
  for (let index = 0; index < 10_000; index++) openMore(sessions, 0)(index)
  // Half of them have a stream, so that what is unused has to be found among them.
  const leaves = Array.from({ length: 5000 }, (_, index) => sessions.get(String(index))).flatMap(session =>
    session === undefined ? [] : [sessions.enter(session)],
  )
  expect([sessions.size, leaves.length]).toEqual([10_000, 5000])
  const full = cost(5000, openMore(sessions, 10_000))
  expect(sessions.size).toBe(10_000)
  const found = cost(5000, index => void sessions.get(String(index)))
  // It was 2 300 µs.
  expect(Math.max(small, full, found)).toBeLessThan(200)
})

describe('when there is no room for a session', () => {
  test('the longest unused session of the largest crowd ends, and no session in use', () => {
    const { sessions, ended } = scene({ sessions: 4 })
    const one = sessions.add('one', 'one', delegate('many', '1'))
    sessions.add('two', 'two', delegate('many', '2'))
    sessions.add('three', 'three', delegate('many', '3'))
    sessions.add('other', 'other', agent('other'))
    if (one === undefined) throw new Error('there is room')
    const leave = sessions.enter(one)
    sessions.add('four', 'four', delegate('many', '4'))
    expect(ended).toEqual(['two'])
    leave()
    leave()
    sessions.add('five', 'five', delegate('many', '5'))
    sessions.add('six', 'six', delegate('many', '6'))
    expect(ended).toEqual(['two', 'three', 'four'])
    sessions.add('seven', 'seven', delegate('many', '7'))
    expect(ended.at(-1)).toBe('one')
  })

  test('no session ends when all are in use', () => {
    const { sessions, ended } = scene({ sessions: 2 })
    const all = [sessions.add('a', 'a', agent('a')), sessions.add('b', 'b', agent('b'))]
    const leaves = all.flatMap(session => (session === undefined ? [] : [sessions.enter(session)]))
    expect(sessions.add('c', 'c', agent('c'))).toBeUndefined()
    leaves[1]?.()
    expect(sessions.add('c', 'c', agent('c'))?.id).toBe('c')
    expect(ended).toEqual(['b'])
  })
})

test('a session is counted for its current owner', () => {
  const { sessions, ended } = scene({ perCaller: 1 })
  const session = sessions.add('a', 'a', { key: 'k1' })
  if (session === undefined) throw new Error('there is room')
  sessions.use(session, agent('a'))
  sessions.add('b', 'b', { key: 'k1' })
  expect(ended).toEqual([])
  sessions.add('c', 'c', agent('a'))
  expect(ended).toEqual(['a'])
})

test('a new session replaces one with the same id', () => {
  const { sessions, ended } = scene({ sessions: 2 })
  sessions.add('a', 'first', agent('a'))
  sessions.add('a', 'second', agent('a'))
  sessions.add('b', 'third', agent('b'))
  expect([sessions.size, ended]).toEqual([2, ['first']])
})

test('idle sessions end, but not one whose stream ended just before', () => {
  const { sessions, clock, ended } = scene({ idle: 60 })
  const streaming = sessions.add('streaming', 'streaming', agent('a'))
  sessions.add('idle', 'idle', agent('b'))
  if (streaming === undefined) throw new Error('there is room')
  const leave = sessions.enter(streaming)
  clock.now = 61
  expect(sessions.get('streaming')).toBeDefined()
  expect(ended).toEqual(['idle'])
  leave()
  clock.now = 120
  expect(sessions.get('streaming')).toBeDefined()
  clock.now = 122
  expect(sessions.get('streaming')).toBeUndefined()
})

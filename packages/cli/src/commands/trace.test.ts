import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { UsageError } from '@countersign/fetch/internal'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test, vi } from 'vitest'
import { trace, traceIn } from './trace.js'

const folder = temporaryFolder()

function log(name: string, records: readonly unknown[]): string {
  const file = join(folder, name)
  writeFileSync(file, records.map(record => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n'))
  return file
}

const base = { level: 'info', pid: 7 }
const calendar = log('calendar.log', [
  { ...base, time: 3000, name: 'calendar', event: 'passed', txn: 'one', agent: 'https://agent.example', msg: 'passed' },
  { ...base, time: 1000, name: 'calendar', event: 'resource_token', txn: 'one', scope: 'events.write' },
  { ...base, time: 1500, name: 'calendar', event: 'passed', txn: 'two' },
  'not JSON',
  { ...base, time: 1600, name: 'calendar', event: 'refused', description: 'names "one" elsewhere' },
])
const auth = log('auth.log', [
  { ...base, time: 2000, name: 'auth-server', event: 'granted', txn: 'one', scope: ['events.write'], user: 'alice' },
])

async function printed(txn: string, files: readonly string[], flags = {}): Promise<string> {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {})
  const err = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    await trace(txn, files, flags)
    return out.mock.calls.flat().join('\n')
  } finally {
    out.mockRestore()
    err.mockRestore()
    process.exitCode = undefined
  }
}

test('the records of one action from all logs are in order of time, without records of others', async () => {
  const { records, skipped } = await traceIn('one', [calendar, auth])
  expect(records.map(({ time, file, record }) => [time, file, record['event']])).toEqual([
    [1000, 'calendar.log', 'resource_token'],
    [2000, 'auth.log', 'granted'],
    [3000, 'calendar.log', 'passed'],
  ])
  expect(skipped).toBe(1)
  expect((await traceIn('tw', [calendar, auth])).records).toEqual([])
})

test('the challenge that an exchange answered belongs to the action although it has another id; other records of that id do not', async () => {
  const rooms = log('rooms.log', [
    { ...base, time: 1100, name: 'rooms', event: 'resource_token', txn: 'of-rooms', scope: 'rooms.read' },
    { ...base, time: 1900, name: 'rooms', event: 'passed', txn: 'of-rooms' },
    { ...base, time: 1200, name: 'rooms', event: 'resource_token', txn: 'of-others' },
  ])
  const second = log('auth2.log', [
    { ...base, time: 1300, name: 'auth2', event: 'granted', txn: 'three', resource_txn: 'of-rooms' },
    { ...base, time: 1400, name: 'auth2', event: 'granted', txn: 'four', resource_txn: 'of-others' },
  ])
  const times = async (txn: string) => (await traceIn(txn, [rooms, second])).records.map(({ time }) => time)
  expect(await times('three')).toEqual([1100, 1300])
  expect(await times('of-rooms')).toEqual([1100, 1300, 1900])
  // Standard input is read once, and the challenge may stand before what joins it.
  const text = [rooms, second].map(file => readFileSync(file, 'utf8')).join('\n')
  const input = vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([text]) as typeof process.stdin)
  expect((await traceIn('three', ['-'])).records.map(({ time }) => time)).toEqual([1100, 1300])
  input.mockRestore()
  expect(await printed('three', [rooms, second])).toContain('resource_token  txn=of-rooms scope=rooms.read')
})

test('the records are printed one a line, or as JSON', async () => {
  const text = await printed('one', [calendar, auth])
  expect(text.split('\n')).toEqual([
    'one: 3 records in 2 logs, 2.00 s',
    '  1970-01-01T00:00:01.000Z  calendar (calendar.log)  resource_token  scope=events.write',
    '  1970-01-01T00:00:02.000Z  auth-server (auth.log)   granted         scope=events.write user=alice',
    '  1970-01-01T00:00:03.000Z  calendar (calendar.log)  passed          agent=https://agent.example',
  ])
  expect(JSON.parse(await printed('one', [auth], { json: true }))).toMatchObject({
    txn: 'one',
    records: [{ time: 2000, file: 'auth.log', record: { event: 'granted', user: 'alice' } }],
  })
  expect(await printed('nobody', [auth])).toBe('no record of nobody')
})

test('text of a stranger in a log cannot control the terminal', async () => {
  const file = log('hostile.log', [
    { ...base, time: 1, name: '\u001b[2J', event: 'passed', txn: 'one', agent: 'a\u202eb\nc' },
  ])
  const text = await printed('one', [file])
  expect(text).toContain('\\u001b[2J')
  expect(text).toContain('agent=a\\u202eb\\u000ac')
  expect(text.split('\n')).toHaveLength(2)
})

test('an invalid time is no error', async () => {
  const file = log('times.log', [
    { ...base, time: 1e300, name: 'far', event: 'passed', txn: 'one' },
    { ...base, time: 5, name: 'near', event: 'passed', txn: 'one' },
  ])
  expect((await printed('one', [file])).split('\n')).toEqual([
    'one: 2 records in 1 log, 0.01 s',
    '  1970-01-01T00:00:00.000Z  far (times.log)   passed',
    '  1970-01-01T00:00:00.005Z  near (times.log)  passed',
  ])
})

test('a missing or unreadable file and an invalid id are errors', async () => {
  await expect(trace('one', [auth, folder], {})).rejects.toThrow(UsageError)
  await expect(trace('one', [join(folder, 'missing.log')], {})).rejects.toThrow(UsageError)
  await expect(trace('', [auth], {})).rejects.toThrow(UsageError)
  await expect(trace('x'.repeat(513), [auth], {})).rejects.toThrow(UsageError)
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@countersign/fetch/internal'
import { AAuthError, logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test, vi } from 'vitest'
import { audit } from '../../log/audit.js'
import { gatewayReport, reportOn } from './report.js'

const folder = temporaryFolder()

function log(name: string, lines: readonly unknown[]): string {
  const file = join(folder, name)
  writeFileSync(file, lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return file
}

async function printed(files: readonly string[], flags = {}): Promise<{ text: string; code: unknown }> {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {})
  const err = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    await gatewayReport(files, flags)
    return { text: out.mock.calls.flat().join('\n'), code: process.exitCode }
  } finally {
    out.mockRestore()
    err.mockRestore()
    process.exitCode = undefined
  }
}

const refused = {
  level: 'info',
  event: 'refused',
  observed: true,
  route: '/orders',
  code: 'insufficient_level',
  reason: 'level_insufficient',
  status: 401,
  ask: 'authorization',
  aauth_level: 'identified',
  agent: 'https://agent.example',
  description: 'this request needs a higher level',
}
const passed = { event: 'passed', observed: true, route: '/orders', aauth_level: 'authorized' }

test('refusals are counted by route, code, reason, level and agent, with the first and last time', async () => {
  const one = log('one.log', [
    { ...refused, time: 2000 },
    { ...passed, time: 2500 },
    { ...refused, time: 5000, agent: 'https://other.example' },
    { event: 'refused', code: 'invalid_signature', status: 401, time: 6000 },
  ])
  const two = log('two.log', ['not JSON', { ...refused, time: 1000 }, { ...refused, time: 3000, route: undefined }])
  const report = await reportOn([one, two])
  expect(report).toMatchObject({ passed: 1, refused: 4, others: 0, skipped: 1 })
  expect(report.refusals.map(({ route, agent, count, first, last }) => [route, agent, count, first, last])).toEqual([
    ['/orders', 'https://agent.example', 2, 1000, 2000],
    [undefined, 'https://agent.example', 1, 3000, 3000],
    ['/orders', 'https://other.example', 1, 5000, 5000],
  ])
  const { text, code } = await printed([one])
  expect(text.split('\n').map(line => line.replace(/ {2,}/g, '  '))).toEqual([
    '2 of 3 requests would have been refused',
    '  count  route  code  reason  level  agent  would ask for  first  last  why',
    '  1  /orders  401 insufficient_level  level_insufficient  identified  https://agent.example  authorization  1970-01-01T00:00:02Z  1970-01-01T00:00:02Z  this request needs a higher level',
    '  1  /orders  401 insufficient_level  level_insufficient  identified  https://other.example  authorization  1970-01-01T00:00:05Z  1970-01-01T00:00:05Z  this request needs a higher level',
  ])
  expect(code).toBeUndefined()
  expect(JSON.parse((await printed([one], { json: true })).text)).toMatchObject({ passed: 1, refused: 2 })
})

test('the report reads the records of a gateway, and the counts of those that it left out', async () => {
  const lines: string[] = []
  const clock = { now: 1000 }
  const sink = jsonLog({ name: 'gateway', write: line => lines.push(line.trimEnd()) })
  const tell = audit(sink, logLimit(sink, { now: () => clock.now, lines: 2 }))
  const aauth = { level: 'anonymous', scope: [], chain: [] } as const
  const error = new AAuthError('invalid_signature', 'the request must be signed', { reason: 'signature_wrong' })
  for (let n = 0; n < 5; n++) tell({ type: 'refused', error, aauth, ask: 'identity', route: '/*', observed: true })
  for (let n = 0; n < 5; n++) tell({ type: 'refused', error, aauth, ask: 'identity', route: '/*' })
  clock.now += 60
  tell({ type: 'passed', aauth, route: '/*', observed: true })
  const report = await reportOn([log('written.log', lines)])
  expect(report).toMatchObject({ passed: 1, refused: 5, leftOut: { invalid_signature: 3 }, skipped: 0 })
  expect(report.refusals).toMatchObject([
    { route: '/*', code: 'invalid_signature', status: 401, ask: 'identity', level: 'anonymous', count: 2 },
  ])
  expect((await printed([log('written.log', lines)])).text).toContain(
    'and 3 invalid_signature that the log only counts',
  )
})

test('requests that were refused although the gateway only observes are marked', async () => {
  const bad = { event: 'refused', code: 'invalid_request', status: 400, ask: 'nothing', time: 1000 }
  const file = log('anyway.log', [
    { ...bad, observed: true, reason: 'path_not_plain', description: 'the path is not in its plain spelling' },
    { ...bad, observed: false, description: 'dot segments' },
    { ...bad, observed: false, description: 'dot segments' },
    { ...bad, observed: false, status: 413, description: 'the body is too large' },
    { ...bad, description: 'while it enforced' },
    {
      left_out: 5,
      kinds: { 'anyway invalid_request': 4, 'observed invalid_request': 2, 'refused invalid_request': 1 },
    },
  ])
  const report = await reportOn([file])
  expect(report).toMatchObject({ passed: 0, refused: 10, refusedAnyway: 7, leftOut: { invalid_request: 6 } })
  expect(report.refusals.map(({ count, status, anyway }) => [count, status, anyway])).toEqual([
    [2, 400, true],
    [1, 400, undefined],
    [1, 413, true],
  ])
  const { text } = await printed([file])
  expect(text.split('\n').map(line => line.replace(/ {2,}/g, '  '))).toEqual([
    '10 of 10 requests would have been refused',
    '  count  route  code  reason  level  agent  would ask for  first  last  why',
    '  2  (no route)  400 invalid_request  -  (unverified)  -  nothing  1970-01-01T00:00:01Z  1970-01-01T00:00:01Z  dot segments (refused)',
    '  1  (no route)  400 invalid_request  path_not_plain  (unverified)  -  nothing  1970-01-01T00:00:01Z  1970-01-01T00:00:01Z  the path is not in its plain spelling',
    '  1  (no route)  413 invalid_request  -  (unverified)  -  nothing  1970-01-01T00:00:01Z  1970-01-01T00:00:01Z  the body is too large (refused)',
    '  7 of them were refused: a gateway that observes does not let these through either',
    '  and 6 invalid_request that the log only counts',
  ])
})

test('a hostile log cannot control the terminal, fill the memory or break the report', async () => {
  const lines: unknown[] = [
    { ...refused, agent: '\u001b[2J\u202e', route: 'a\nb', time: 1 },
    { ...refused, time: 'yesterday', agent: ['x'], code: { a: 1 }, status: '401' },
    { ...refused, time: 1e300 },
    {
      left_out: 9,
      kinds: { 'observed rate_limited': -1, 'observed x y': 5, __proto__: 3, 'observed invalid_key': '7' },
    },
    { left_out: 9, kinds: null },
    '[1]',
    'null',
    `{"event":"${'x'.repeat(3_000_000)}"}`,
    { ...refused, time: 2 },
  ]
  const { text } = await printed([log('hostile.log', lines)])
  expect(text).toContain('\\u001b[2J\\u202e')
  expect(text).toContain('a\\u000ab')
  for (const control of ['\u001b', '\u202e']) expect(text).not.toContain(control)
  const report = await reportOn([log('hostile.log', lines)])
  expect(report).toMatchObject({ refused: 4, leftOut: {}, skipped: 3 })

  const crowd = Array.from({ length: 10_050 }, (_, n) => ({ ...refused, agent: `https://a${n}.example`, time: n }))
  const bounded = await reportOn([log('crowd.log', crowd)])
  expect([bounded.refusals.length, bounded.others, bounded.refused]).toEqual([10_000, 50, 10_050])
  expect((await printed([log('crowd.log', crowd)])).text.split('\n')).toHaveLength(104)
})

test('a log without records of a gateway that observes is 1, a missing file an error', async () => {
  const file = log('none.log', [{ event: 'refused', code: 'invalid_signature' }])
  expect(await printed([file])).toEqual({
    text: 'no record of a gateway that observes: start it with --observe',
    code: 1,
  })
  await expect(gatewayReport([join(folder, 'missing.log')], {})).rejects.toThrow(UsageError)
})

import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LogRecord, logOf, run, type Stand, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// A gateway as a process that takes new settings on SIGHUP.

let place: Stand
let gateway: ChildProcess
let upstream: Server
let api: string
let log: readonly LogRecord[]

const settings = (more: object = {}): object => ({
  id: api,
  port: Number(new URL(api).port),
  development: true,
  data: join(place.folder, 'gateway'),
  upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  routes: [{ path: '/*', level: 'anonymous' }],
  ...more,
})
const write = (content: object | string): void =>
  writeFileSync(join(place.folder, 'gateway.yaml'), typeof content === 'string' ? content : JSON.stringify(content))

beforeAll(async () => {
  place = stand()
  api = `http://localhost:${await freePort()}`
  upstream = createServer((request, response) => response.end(String(request.headers['aauth-level'])))
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  write(settings())
  gateway = await place.start('gateway', ['gateway', '--config', join(place.folder, 'gateway.yaml')])
  log = logOf(gateway)
})
afterAll(async () => {
  await place.stop()
  upstream.close()
})

/** Writes settings, and says what the log says of them. */
async function reloaded(content: object | string): Promise<LogRecord | undefined> {
  write(content)
  const before = log.length
  gateway.kill('SIGHUP')
  const told = () => log.slice(before).find(({ event }) => /^reload/.test(String(event)))
  await expect.poll(told, { timeout: 10_000 }).toBeDefined()
  return told()
}

const status = async (): Promise<number> => (await fetch(`${api}/x`)).status

test('on SIGHUP it takes what can change, and keeps all it had where something is wrong', async () => {
  expect(await status()).toBe(200)
  const identified = settings({ routes: [{ path: '/*', level: 'identified' }] })
  expect(await reloaded(identified)).toMatchObject({ level: 'info', event: 'reloaded' })
  expect(await status()).toBe(401)
  const agent = await siteAgent()
  expect(await (await agent.fetch(`${api}/x`)).text()).toBe('identified')

  const deny = { agents: ['http://localhost:1'], delegates: [{ agent: 'http://localhost:2', delegate: 'phone' }] }
  expect(await reloaded(settings({ routes: [{ path: '/*', level: 'identified' }], deny }))).toMatchObject({
    event: 'reloaded',
  })
  expect((await agent.fetch(`${api}/x`)).status).toBe(200)
  const blocked = { agents: [(await agent.identify()).agent] }
  expect(await reloaded(settings({ routes: [{ path: '/*', level: 'identified', deny: blocked }] }))).toMatchObject({
    event: 'reloaded',
  })
  expect((await agent.fetch(`${api}/x`)).status).toBe(403)

  for (const [wrong, why] of [
    ['{', /cannot read the configuration/],
    [settings({ routes: [{ path: '/*', level: 'anonymous' }], colour: 'red' }), /unknown option colour/],
    [settings({ routes: [{ path: '/*', level: 'anonymous' }], port: 1 }), /a change of port needs a restart/],
    [settings({ routes: [{ path: '/*', scope: 'read' }] }), /--auth-server/],
    [
      settings({
        routes: [
          { path: '/a', level: 'anonymous' },
          { path: '/a', level: 'identified' },
        ],
      }),
      /route/,
    ],
  ] as const) {
    const told = await reloaded(wrong)
    expect([told?.['level'], told?.['event'], told?.['why']]).toEqual([
      'error',
      'reload_failed',
      expect.stringMatching(why),
    ])
    expect(await status()).toBe(401)
  }

  expect(await reloaded(settings({ observe: true, routes: [{ path: '/*', level: 'identified' }] }))).toMatchObject({
    event: 'reloaded',
  })
  expect(log.some(({ event }) => event === 'observing')).toBe(true)
  expect(await status()).toBe(200)
  expect(await reloaded(settings({ upstream: `http://127.0.0.1:${await freePort()}` }))).toMatchObject({
    event: 'reloaded',
  })
  expect(await status()).toBe(503)
  await expect.poll(() => log.filter(({ event }) => event === 'upstream').map(({ state }) => state)).toEqual(['away'])
})

test('what does not go together is said at the start', async () => {
  const started = async (...more: string[]) => {
    const { code, stderr } = await run([
      'gateway',
      '--id',
      'http://localhost:1',
      '--port',
      '0',
      '--development',
      '--data',
      join(place.folder, 'none'),
      ...more,
    ])
    return [code, stderr.split('\n').at(-2)]
  }
  const upstreams = ['--upstream', 'http://127.0.0.1:1']
  expect(await started()).toEqual([2, expect.stringMatching(/--upstream is required, or --check/)])
  expect(await started('--check', 'nginx', ...upstreams)).toEqual([
    2,
    expect.stringMatching(/upstream is not for --check/),
  ])
  expect(await started('--check', 'nginx', '--bodies', 'seen')).toEqual([2, expect.stringMatching(/is only for envoy/)])
  expect(await started('--check', 'envoy', '--cors', '*')).toEqual([
    2,
    expect.stringMatching(/--cors is not for --check/),
  ])
  expect(await started('--bodies', 'unseen', ...upstreams)).toEqual([
    2,
    expect.stringMatching(/--bodies is only for --check/),
  ])
})

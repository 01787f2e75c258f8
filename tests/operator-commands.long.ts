import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, run, type Stand, stand } from './processes.fixture.js'

// The operator of an auth server, who blocks an agent while the server runs.

let place: Stand
let upstream: Server
let authServer: { kill(signal: 'SIGHUP'): boolean }
let [home, auth, api] = ['', '', '']
let flags: string[] = []
/** Seconds until an instance knows of a block, and of a reload. */
const known = { interval: 250, timeout: 20_000 }

beforeAll(async () => {
  place = stand()
  const ports = await Promise.all([1, 2, 3].map(() => freePort()))
  const [homePort = 0, authPort = 0, apiPort = 0] = ports
  ;[home, auth, api] = ports.map(port => `http://localhost:${port}`) as [string, string, string]
  upstream = createServer((_, response) => response.end('events'))
  const upstreamPort = await new Promise<number>(resolve => {
    upstream.listen(0, '127.0.0.1', () => resolve((upstream.address() as { port: number }).port))
  })
  const { config } = place
  const grants = [{ agent: home, delegates: 'any', resource: api, scopes: ['events.read'] }]
  const started = await Promise.all([
    place.start('auth-server', config('auth-server', { id: auth, port: authPort, grants })),
    place.start('agent-server', config('agent-server', { id: home, port: homePort })),
    place.start(
      'gateway',
      config('gateway', {
        id: api,
        port: apiPort,
        upstream: `http://127.0.0.1:${upstreamPort}`,
        authServer: [auth],
        scopes: { 'events.read': 'See your events' },
        routes: [{ path: '/events', scope: ['events.read'] }],
      }),
    ),
  ])
  authServer = started[0] ?? { kill: () => false }
  const agents = ['--config', join(place.folder, 'agent-server.json')]
  const code = /[\w-]{20,}/.exec((await run(['agent-server', 'invite', ...agents, '--sub', 'phone'])).stdout)?.[0] ?? ''
  const state = ['--state', join(place.folder, 'state'), '--development']
  await run(['enroll', home, '--code', code, ...state])
  flags = ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state]
})

afterAll(async () => {
  upstream.close()
  await place.stop()
})

const fetched = (): Promise<Finished> => run(['fetch', `${api}/events`, ...flags, '--no-browser'])
const operate = (...args: string[]): Promise<Finished> =>
  run(['auth-server', ...args, '--config', join(place.folder, 'auth-server.json')])

test(
  verifies('revocation.written', 'a block ends what an agent has at once, a resource included, and can be lifted'),
  async () => {
    expect(await fetched()).toMatchObject({ code: 0, stdout: 'events' })
    const listed = JSON.parse((await operate('grants', 'list', '--agent', home, '--json')).stdout)
    expect(listed).toMatchObject({ agent: home, delegate: 'phone', resource: api, scope: ['events.read'] })
    const blocked = await operate('agents', 'block', '--agent', home)
    expect(blocked.stdout).toContain(`${home} is blocked; grants ended: 1`)
    expect(JSON.parse(blocked.stderr)).toMatchObject({ event: 'blocked', agent: home, grants: 1 })
    // Its token is good for minutes, but the gateway has been told.
    await expect.poll(async () => (await fetched()).stderr, known).toContain('caller_blocked')
    expect((await operate('agents', 'list', '--blocked', '--json')).stdout).toContain(`"agent":"${home}"`)
    expect((await operate('agents', 'unblock', '--agent', home)).code).toBe(0)
    await expect.poll(async () => (await fetched()).code, known).toBe(0)
  },
)

test(verifies('error.access-denied', 'deny holds after a reload, and is what policy test says'), async () => {
  const file = join(place.folder, 'auth-server.json')
  const before = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    JSON.stringify({ ...JSON.parse(before), deny: { delegates: [{ agent: home, delegate: 'phone' }] } }),
  )
  const asked = ['policy', 'test', '--agent', home, '--resource', api, '--scope', 'events.read', '--json']
  expect(await operate(...asked)).toMatchObject({ code: 0, stdout: '{"decision":"direct","by":["grants.0"]}\n' })
  const ofPhone = await operate(...asked, '--delegate', 'phone')
  expect([ofPhone.code, JSON.parse(ofPhone.stdout)]).toEqual([
    1,
    { decision: 'deny', by: ['deny.delegates'], reason: 'caller_blocked' },
  ])
  authServer.kill('SIGHUP')
  // `deny` ends nothing: the token that the agent has is good until it is revoked.
  expect((await operate('grants', 'revoke', '--agent', home, '--delegate', 'phone')).stdout).toBe('1 grant ended\n')
  await expect.poll(async () => (await fetched()).stderr, known).toContain('caller_blocked')
  writeFileSync(file, before)
  authServer.kill('SIGHUP')
  await expect.poll(async () => (await fetched()).code, known).toBe(0)
})

test('mistakes name what is wrong, and change nothing', async () => {
  const wrong = async (...args: string[]): Promise<[number, string]> => {
    const { code, stdout, stderr } = await operate(...args)
    expect(stdout).toBe('')
    return [code, stderr]
  }
  expect(await wrong('grants', 'revoke')).toEqual([2, expect.stringContaining('give --grant, or --agent')])
  expect(await wrong('grants', 'revoke', '--agnet', home)).toEqual([2, expect.stringContaining('--agent')])
  expect(await wrong('agents', 'block', '--site', 'co.uk')).toEqual([2, expect.stringContaining('is no site')])
  expect(await wrong('grants', 'show', '--grant', 'x')).toEqual([1, 'there is no such grant\n'])
  expect(await wrong('users', 'list')).toEqual([1, 'there is nothing to list\n'])
  const help = await run(['auth-server', 'agents', 'block', '--help'])
  expect(help.stdout).toContain('all agents of a registrable domain')
  const elsewhere = await run(['auth-server', 'users', 'list', '--id', auth, '--development', '--data', place.folder])
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('there is no database')])
})

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { scriptedUser } from '@countersign/playground'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asks, countersign, run, type Stand, stand } from './processes.fixture.js'

// Users who decide about the command: in a browser of its machine, or on any device.

let place: Stand
let upstream: Server
let [home, auth, api] = ['', '', '']

beforeAll(async () => {
  place = stand()
  const ports = await Promise.all([1, 2, 3].map(() => freePort()))
  const [homePort = 0, authPort = 0, apiPort = 0] = ports
  ;[home, auth, api] = [homePort, authPort, apiPort].map(port => `http://localhost:${port}`) as [string, string, string]
  upstream = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ scope: request.headers['aauth-scope'] }))
  })
  const upstreamPort = await new Promise<number>(resolve => {
    upstream.listen(0, '127.0.0.1', () => resolve((upstream.address() as { port: number }).port))
  })
  const { config } = place
  await Promise.all([
    place.start('agent-server', config('agent-server', { id: home, port: homePort, localhostCallback: true })),
    place.start(
      'auth-server',
      config('auth-server', {
        id: auth,
        port: authPort,
        deviceFlow: ['any'],
        demoUsers: [{ name: 'Ada', email: 'ada@demo.example' }, { name: 'Grace' }],
        ask: [{ agents: 'any', resources: 'any' }],
      }),
    ),
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
})

afterAll(async () => {
  upstream.close()
  await place.stop()
})

/** `script` gives a command a terminal. */
const noTerminal =
  spawnSync('script', ['--version']).status === 0 ? '' : ' (skipped: there is no script, which makes a terminal)'

const link = /open (http:\S+)\n {2}waiting/

describe('the command', () => {
  let flags: string[] = []
  beforeAll(async () => {
    const agents = ['--config', join(place.folder, 'agent-server.json')]
    const { stdout } = await run(['agent-server', 'invite', ...agents])
    const code = /[\w-]{20,}/.exec(stdout)?.[0] ?? ''
    const state = ['--state', join(place.folder, 'state'), '--development']
    const enrolled = await run(['enroll', home, '--code', code, ...state])
    expect([enrolled.code, enrolled.stderr]).toEqual([0, ''])
    flags = ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state]
  })

  test('without a terminal it says what would help', async () => {
    const { code, stderr } = await run(['fetch', `${api}/events`, ...flags])
    expect(code).toBe(4)
    expect(stderr).toContain('--no-browser prints where a user can agree')
  })

  test('a user who refuses: it says so', async () => {
    const { found, ended } = await asks(['fetch', `${api}/events`, ...flags, '--no-browser'], link)
    await scriptedUser('Ada').decide(found[1] ?? '', 'Refuse')
    const { code, said } = await ended
    expect(code).toBe(1)
    expect(said).toContain('the user said no (access_denied)')
  })

  test('prints the URL at which to agree, waits, and goes on; the next time it asks no user', async () => {
    const { found, ended } = await asks(['fetch', `${api}/events`, ...flags, '--no-browser'], link)
    const arrived = await scriptedUser('Ada').decide(found[1] ?? '', 'Allow')
    expect(arrived.choices).toEqual(['See your events'])
    expect(arrived.ended).toBe('Allowed')
    const { code, out, said } = await ended
    expect(said).toContain(`${auth} asks you whether to allow events.read at ${api}`)
    expect([code, JSON.parse(out)]).toMatchObject([0, { scope: 'events.read' }])
    const again = await run(['fetch', `${api}/events`, ...flags])
    expect([again.code, again.stderr]).toEqual([0, ''])
  })

  test('shows a code to type in on another device', async () => {
    const agents = ['--config', join(place.folder, 'agent-server.json')]
    const code = /[\w-]{20,}/.exec((await run(['agent-server', 'invite', ...agents])).stdout)?.[0] ?? ''
    const state = ['--state', join(place.folder, 'device'), '--development']
    await run(['enroll', home, '--code', code, ...state])
    const device = ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state, '--device']
    const { found, ended } = await asks(
      ['fetch', `${api}/events`, ...device],
      /open (\S+)\n {2}and type in (\S+) within 10 minutes/,
    )
    expect(found[1]).toBe(`${auth}/device`)
    await scriptedUser('Grace').typeIn({ verification_uri: found[1] ?? '', user_code: found[2] ?? '' }, 'Allow')
    const finished = await ended
    expect([finished.code, JSON.parse(finished.out)]).toMatchObject([0, { scope: 'events.read' }])
  })

  test.skipIf(noTerminal !== '')(
    `in a terminal without a browser it shows a code without being told to${noTerminal}`,
    async () => {
      const agents = ['--config', join(place.folder, 'agent-server.json')]
      const code = /[\w-]{20,}/.exec((await run(['agent-server', 'invite', ...agents])).stdout)?.[0] ?? ''
      const state = ['--state', join(place.folder, 'remote'), '--development']
      await run(['enroll', home, '--code', code, ...state])
      const remote = ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state]
      const inTerminal = [
        'env',
        '-u',
        'DISPLAY',
        '-u',
        'WAYLAND_DISPLAY',
        '-u',
        'BROWSER',
        process.execPath,
        countersign,
      ]
      const line = [...inTerminal, 'fetch', `${api}/events`, ...remote].map(word => `'${word}'`).join(' ')
      // What a terminal shows is one stream: that of the program that makes one.
      const { found, ended } = await asks([line], /open (\S+)\r?\n {2}and type in (\S+) within 10 minutes/, [
        'sh',
        '-c',
        'exec script -qefc "$0" /dev/null >&2',
      ])
      expect(found[1]).toBe(`${auth}/device`)
      await scriptedUser('Grace').typeIn({ verification_uri: found[1] ?? '', user_code: found[2] ?? '' }, 'Allow')
      const finished = await ended
      expect(finished.code).toBe(0)
      expect(finished.said).toContain('"scope":"events.read"')
    },
  )
})

describe('an identity of static files', () => {
  const sites: Server[] = []
  afterAll(() => {
    for (const site of sites) site.close()
  })

  /** Publishes an identity as a user does, and serves it. */
  async function published(name: string, ...more: readonly string[]): Promise<string[]> {
    const port = await freePort()
    const id = `http://localhost:${port}`
    const folder = join(place.folder, name)
    const site = createServer((request, response) => {
      const file = join(folder, new URL(request.url ?? '/', id).pathname)
      if (!existsSync(file)) return response.writeHead(404).end()
      return response.writeHead(200, { 'content-type': 'application/json' }).end(readFileSync(file))
    })
    sites.push(site)
    await new Promise<void>(resolve => site.listen(port, 'localhost', resolve))
    const flags = ['--id', id, '--state', join(place.folder, 'state'), '--development']
    const { code } = await run(['keys', 'publish', folder, ...flags, ...more])
    expect(code).toBe(0)
    return flags
  }

  const fetching = (flags: readonly string[], how: string): string[] => [
    'fetch',
    `${api}/events`,
    '--as',
    'agent',
    '--auth-server',
    auth,
    ...flags,
    how,
  ]

  test('that names no way back to this machine: what the auth server says, and the option to add', async () => {
    const flags = await published('bare')
    const { code, stderr } = await run(fetching(flags, '--no-browser'))
    const [id = ''] = flags.slice(1)
    expect(code).toBe(1)
    expect(stderr.split('\n')).toEqual([
      `countersign: 401: the auth server said no (400 invalid_request redirect_uri_unregistered); so the challenge of ${new URL(api).host} could not be met; ${auth} says: redirect_uri is not among the agent's redirect_uris, or they could not be read.`,
      `  ${id} does not let users be sent back to this machine: publish it again with countersign keys publish DIR --id ${id} --localhost-callback --state ${join(place.folder, 'state')} --development, or use --device here`,
      '',
    ])
    // If the published files allow it by now, the message says to wait for the auth server, not to publish them again.
    expect((await run(['keys', 'publish', join(place.folder, 'bare'), ...flags, '--localhost-callback'])).code).toBe(0)
    const again = await run(fetching(flags, '--no-browser'))
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringContaining('the auth server sees it within 10 minutes'),
    ])
  })

  test('that names one asks its user and goes on', async () => {
    const { found, ended } = await asks(fetching(await published('back', '--localhost-callback'), '--no-browser'), link)
    const arrived = await scriptedUser('Ada').decide(found[1] ?? '', 'Allow')
    expect(arrived.ended).toBe('Allowed')
    const { code, out } = await ended
    expect([code, JSON.parse(out)]).toMatchObject([0, { scope: 'events.read' }])
  })
})

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { freePort } from '@countersign/testing/ports'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asKey } from '@countersign/testing/world/signer'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Packed } from '../scripts/pack.mjs'
import { packages, withDependencies } from '../scripts/packages.mjs'
import { type ConsentPlace, consentPlace } from './consent-place.fixture.js'
import { type Answer, compile, installAlone, packWithDependencies, passOn, sampleWith } from './packed-alone.fixture.js'
import { end, type Stand, stand } from './processes.fixture.js'

// Auth server, desk, console and agent server, each installed from its tarball alone, run as its README says. Only what serves them,
// @countersign/server, stands beside.

const tested = [
  '@countersign/auth-server',
  '@countersign/user-desk',
  '@countersign/console',
  '@countersign/agent-server',
]
const serving = '@countersign/server'

let place: Stand
let tarballs: Packed[]

beforeAll(() => {
  place = stand()
  tarballs = packWithDependencies(place.folder, [...tested, serving])
})
afterAll(() => place.stop())

/** A folder in which a package is installed with the server that serves it. */
async function installed(name: string): Promise<{ folder: string; names: Set<string> }> {
  const folder = join(place.folder, name)
  return { folder, names: await installAlone(folder, [`@countersign/${name}`, serving], tarballs) }
}

/** Starts `auth.ts`, the sample of a README, as the auth server of a place with an agent and a calendar. */
function placeOf(folder: string, sample: (ids: Record<'auth' | 'agent' | 'calendar', string>) => string) {
  return consentPlace({}, {}, async (auth, others) => {
    await compile(folder, { 'auth.ts': sample({ auth, ...others }) })
    const server = await place.start('auth-server', ['auth.js'], { program: [process.execPath], cwd: folder })
    return () => end(server, 'SIGTERM')
  })
}

/** What a sample says of its address, and what stands in its place. */
function addressed(auth: string): Record<string, string> {
  return { 'http://localhost:8443': auth, 'port: 8443': `port: ${new URL(auth).port}` }
}

interface Heard {
  readonly path: string
  readonly status: number
  /** Name and value of each header line. */
  readonly headers: readonly string[]
}

/** Notes each answer that this process gets from an origin. */
function hearing(origin: string): { readonly answers: readonly Heard[]; end(): void } {
  const answers: Heard[] = []
  const listen = (message: unknown): void => {
    const { request, response } = message as {
      request: { origin: string; path: string }
      response: { statusCode: number; headers: readonly Buffer[] }
    }
    if (request.origin !== origin) return
    const parts = response.headers.map(part => part.toString('latin1').toLowerCase())
    const headers = parts.flatMap((part, n) => (n % 2 === 0 ? [`${part}: ${parts[n + 1]}`] : []))
    answers.push({ path: request.path, status: response.statusCode, headers })
  }
  subscribe('undici:request:headers', listen)
  return { answers, end: () => unsubscribe('undici:request:headers', listen) }
}

/** The paths of an auth server: its own, and those of its desk. */
async function pathsOf(): Promise<{ own: readonly string[]; pages: readonly string[] }> {
  const options = {
    issuer: 'https://auth.example',
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    development: true,
  }
  const without = await createAuthServer(options)
  const auth = await createAuthServer({ ...options, desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }) })
  await Promise.all([without.close(), auth.close()])
  return { own: without.paths, pages: auth.paths.filter(path => !without.paths.includes(path)) }
}

/** The JavaScript of an installed package that speaks of pages or cookies. */
function filesOfPages(folder: string, name: string): string[] {
  const dist = join(folder, 'node_modules/@countersign', name, 'dist')
  const code = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.js'))
  expect(code.length).toBeGreaterThan(20)
  return code.filter(file => /cookie|text\/html|<html|hono|webauthn/i.test(readFileSync(join(dist, file), 'utf8')))
}

test('an auth server is installed without pages, and without what only they need', async () => {
  const { folder, names } = await installed('auth-server')
  const own = [...names].filter(name => name.startsWith('@countersign/'))
  const needed = new Set(['auth-server', 'server'].flatMap(name => withDependencies(`@countersign/${name}`)))
  expect(new Set(own)).toEqual(needed)
  const others = packages().filter(({ room }) => /\/(?:user-desk|console)$/.test(room))
  const theirs = others.flatMap(({ manifest }) =>
    Object.keys({ ...Object(manifest['dependencies']), ...Object(manifest['peerDependencies']) }),
  )
  const libraries = theirs.filter(name => !name.startsWith('@countersign/'))
  expect(libraries).toEqual(expect.arrayContaining(['hono', '@simplewebauthn/server', 'openid-client']))
  const strange = [...libraries, '@countersign/user-desk', '@countersign/console', '@countersign/agent']
  expect(strange.filter(name => names.has(name))).toEqual([])
  expect(filesOfPages(folder, 'auth-server')).toEqual([])

  const made = await placeOf(folder, ({ auth, agent, calendar }) => {
    const ids = { ...addressed(auth), 'http://localhost:5110': agent, 'http://localhost:5120': calendar }
    return sampleWith('packages/auth-server/README.md', 'participant: authServer, development: true', ids)
  })
  const heard = hearing(made.auth)
  try {
    await grants(made)
    await answersNoPage(made)
    expect(heard.answers.length).toBeGreaterThan(60)
    const wrong = heard.answers.filter(({ headers }) => headers.some(line => /^set-cookie:|text\/html/.test(line)))
    expect(wrong).toEqual([])
  } finally {
    heard.end()
    await made.stop()
  }
})

/** An agent gets a token by policy, and refreshes it. */
async function grants(made: ConsentPlace): Promise<void> {
  const scope = { scope: 'files.read' }
  const granted = await made.token({ request_type: 'auth' }, scope)
  expect(claimsOf(granted)).toMatchObject({ iss: made.auth, aud: made.calendar, agent: made.agent, ...scope })
  const refreshed = await made.token({ request_type: 'refresh', refresh_token: String(granted['refresh_token']) })
  expect(claimsOf(refreshed)).toMatchObject({ iss: made.auth, aud: made.calendar, agent: made.agent, ...scope })
  expect(refreshed['auth_token']).not.toBe(granted['auth_token'])
  // What needs a user is denied.
  await expect(made.token({ request_type: 'auth' }, { scope: 'files.write' })).rejects.toThrow('access_denied')

  const { kid } = JSON.parse(partOf(granted, 0))
  const metadata = await (await fetch(`${made.auth}/.well-known/aauth-issuer`)).json()
  expect(metadata).toMatchObject({ issuer: made.auth, agent_token_endpoint: `${made.auth}/agent/token` })
  const { keys } = await (await fetch(metadata.jwks_uri)).json()
  expect(keys).toEqual([expect.objectContaining({ kid })])
}

function claimsOf(answer: Readonly<Record<string, unknown>>): unknown {
  return JSON.parse(partOf(answer, 1))
}

function partOf({ auth_token }: Readonly<Record<string, unknown>>, part: number): string {
  return Buffer.from(String(auth_token).split('.')[part] ?? '', 'base64url').toString()
}

/** Asks for all paths of an auth server with a desk, as a browser does. */
async function answersNoPage({ auth }: ConsentPlace): Promise<void> {
  const { own, pages } = await pathsOf()
  expect(pages).toEqual(expect.arrayContaining(['/agent/authorize', '/agent/consent', '/login', '/account', '/device']))
  const ask = (path: string, method: string) =>
    fetch(auth + path, { method, redirect: 'manual', headers: { accept: 'text/html' } })
  for (const method of ['GET', 'POST']) {
    for (const path of [...pages, '/', '/agent/auth', '/nowhere'])
      expect([method, path, (await ask(path, method)).status]).toEqual([method, path, 404])
    for (const path of own) expect([200, 401, 405]).toContain((await ask(path, method)).status)
  }
}

test('a desk signs a user in, asks, and the agent gets a token for the user', async () => {
  const { folder, names } = await installed('user-desk')
  expect([names.has('@countersign/auth-server'), names.has('@countersign/console')]).toEqual([true, false])
  // What the auth server lacks is here.
  expect(filesOfPages(folder, 'user-desk').length).toBeGreaterThan(10)
  const made = await placeOf(folder, ({ auth }) =>
    sampleWith('packages/user-desk/README.md', 'demoUsers', addressed(auth)),
  )
  try {
    const link = await made.ask()
    const { headings } = await scriptedUser('Ada').follow(link, ['Ada', 'Allow'])
    const [auth, agent, calendar] = [made.auth, made.agent, made.calendar].map(id => new URL(id).host)
    expect(headings.slice(0, 2)).toEqual([`Sign in to ${auth}`, `${agent} asks for your access to ${calendar}`])
    const [came] = made.arrived
    const code = new URL(came?.url ?? '', made.agent).searchParams.get('code') ?? ''
    const request_token = new URL(link).searchParams.get('request_token') ?? ''
    const redeem = { request_type: 'code', code, request_token, redirect_uri: `${made.agent}/callback` }
    const claims = claimsOf(await made.token(redeem))
    expect(claims).toMatchObject({ iss: made.auth, aud: made.calendar, sub: expect.stringMatching(/^[\w-]{22}$/) })
  } finally {
    await made.stop()
  }
})

/** An auth server with an admin page, whose operator works beside it. */
const consoleProgram = `
import { createAuthServer } from '@countersign/auth-server'
import { operatorOf } from '@countersign/console'
import { keysFile } from '@countersign/server'
import { openAdminPage } from './page.js'
const auth = await createAuthServer({ issuer: 'https://auth.example', keys: await keysFile('keys.json'), database: 'sqlite:auth.db' })
const link = await openAdminPage(auth)
await import('./operator.js')
const operator = operatorOf(auth)
await operator.agents.block({ agent: 'https://other.example' })
console.log('said ' + JSON.stringify({ link, blocks: await operator.agents.blocks() }))
`

test('the console gives an operator in code, and serves the admin page', async () => {
  const { folder } = await installed('console')
  const readme = 'packages/console/README.md'
  const port = await freePort()
  await compile(folder, {
    'operator.ts': `${sampleWith(readme, 'openOperator')}\nexport {}\n`,
    'page.ts': sampleWith(readme, 'openAdminPage', { 'port: 8444': `port: ${port}` }),
    'console.ts': consoleProgram,
  })
  let said = ''
  const options = { program: [process.execPath], cwd: folder, ready: 'said ', hear: (text: string) => (said += text) }
  const server = await place.start('console', ['console.js'], options)
  const { link, blocks } = JSON.parse(/^said (.*)$/m.exec(said)?.[1] ?? '')
  expect(new URL(link).origin).toBe('https://admin.example')
  expect(blocks).toEqual([
    { agent: 'https://stolen.example', blocked: expect.any(Number) },
    { agent: 'https://other.example', blocked: expect.any(Number) },
  ])

  const get = (target: string) => passOn(port, { method: 'GET', target, headers: [['host', 'admin.example']] })
  const page = await get('/')
  expect([page.status, page.headers['content-type']]).toEqual([200, expect.stringContaining('text/html')])
  const files = [...page.body.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, file = '']) => file)
  expect(files.length).toBeGreaterThan(1)
  for (const file of files)
    expect([file, (await get(new URL(file, 'https://admin.example/').pathname)).status]).toEqual([file, 200])
  await end(server, 'SIGTERM')
})

test('an agent server publishes its agent, and enrols a delegate by a code', async () => {
  const { folder, names } = await installed('agent-server')
  expect(names.has('@countersign/auth-server')).toBe(false)
  const port = await freePort()
  const sample = sampleWith('packages/agent-server/README.md', 'createAgentServer', { '8080': String(port) })
  await compile(folder, { 'agent.ts': sample })
  let said = ''
  const options = { program: [process.execPath], cwd: folder, hear: (text: string) => (said += text) }
  const server = await place.start('agent-server', ['agent.js'], options)
  const headers = [['host', 'agent.example']] as const
  const published = await passOn(port, { method: 'GET', target: '/.well-known/aauth-agent', headers })
  expect(JSON.parse(published.body)).toMatchObject({ agent: 'https://agent.example', name: 'Example Agent' })
  const code = await until(() => /^[\w-]{20,}$/m.exec(said)?.[0])
  const key = await generateSigningKey()
  const enrol = async (): Promise<Answer> =>
    passOn(
      port,
      await signedMessage({
        as: asKey(key),
        origin: 'https://agent.example',
        target: '/delegate/token',
        method: 'POST',
        contentType: 'application/json',
        body: JSON.stringify({ enrollment: { type: 'code', code } }),
      }),
    )
  const enrolled = await until(async () => {
    const answer = await enrol()
    // In the second of its start the server cannot tell earlier requests from replays.
    return answer.status === 503 ? undefined : answer
  })
  expect([enrolled.status, JSON.parse(enrolled.body)]).toEqual([
    200,
    expect.objectContaining({ agent_token: expect.stringMatching(/^e/) }),
  ])
  await end(server, 'SIGTERM')
})

/** Waits until there is a value. */
async function until<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await find()
    if (found !== undefined) return found
    await sleep(100)
  }
  throw new Error('there is none within ten seconds')
}

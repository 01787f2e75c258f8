import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDiscovery } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import {
  allowedCode,
  allowRedirects,
  browserOf,
  callback,
  consentWorld,
  decide,
  linkOf,
  open,
  redeemCode,
  secondInstance,
} from '@countersign/testing/auth/consent'
import { participants, patiently, type Running, start } from '@countersign/testing/auth/crash'
import { ask, delegate, granted, post, resourceToken, send, type World, world } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteFiles, temporaryFolder } from '@countersign/testing/folders'
import { postgresForTests } from '@countersign/testing/postgres'
import { bodyOf } from '@countersign/testing/responses'
import { makeWeb } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { migrations, type Tables } from './tables/tables.js'

const postgres = await postgresForTests(3)

const folder = temporaryFolder()
const newFile = sqliteFiles()

const noPrlimit =
  spawnSync('prlimit', ['--version']).status === 0 ? '' : ' (skipped: there is no prlimit, which makes a disk full)'

/** Lets a process write no byte to any file, as on a full disk, or as many as it likes. */
function disk({ pid }: Running, state: 'full' | 'free'): void {
  const { status, stderr } = spawnSync('prlimit', [
    '--pid',
    String(pid),
    `--fsize=${state === 'full' ? '0:' : 'unlimited:'}`,
  ])
  if (status !== 0) throw new Error('prlimit failed', { cause: String(stderr) })
}

/** An auth server as a process of its own, behind the same door as the others. */
async function ownProcess(database: string): Promise<{ made: World; running: Running; warm: () => Promise<void> }> {
  const documents = join(mkdtempSync(join(folder, 'web-')), 'web.json')
  const cast = await participants()
  allowRedirects(cast, { redirect_uris: [callback] })
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const running = await start(database, documents)
  const handle = async (message: Parameters<Running['call']>[0]): Promise<Response> => {
    const { status, headers, body } = await running.call(message)
    return new Response(body === '' ? null : body, { status, headers: headers.map(([name, value]) => [name, value]) })
  }
  const auth = { handle, ready: async () => {}, close: () => running.kill() }
  const reopen = (): Promise<never> => Promise.reject(new Error('it is another process'))
  const web = makeWeb(cast.web)
  const discovery = createDiscovery({ fetcher: web.fetcher })
  const made = { ...cast, ...web, auth, reopen, discovery, events: [] }
  const phone = await delegate(made, 'warm')
  const warm = async (): Promise<void> => {
    // A server that has just started cannot tell what was sent before.
    await patiently(running, async () =>
      post(made, phone, { request_type: 'auth', resource_token: await resourceToken(made, phone) }),
    )
  }
  return { made, running, warm }
}

async function read({ auth }: Pick<World, 'auth'>, target: string): Promise<number> {
  return (await auth.handle({ method: 'GET', target, headers: [['host', 'auth.example']], peer: '192.0.2.9' })).status
}

/** Answers 503 that says when to come back, within a second. */
async function saysSoQuickly(act: () => Promise<Response>): Promise<void> {
  const began = performance.now()
  const response = await act()
  expect([response.status, (await bodyOf(response))['error']]).toEqual([503, 'temporarily_unavailable'])
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(performance.now() - began).toBeLessThan(1000)
}

async function servesWhatNeedsNoDatabase(made: Pick<World, 'auth'>): Promise<void> {
  const began = performance.now()
  expect(await read(made, '/.well-known/aauth-issuer')).toBe(200)
  expect(await read(made, '/.well-known/jwks.json')).toBe(200)
  expect(performance.now() - began).toBeLessThan(500)
}

test.skipIf(noPrlimit !== '')(
  verifies(
    'F-14',
    'F-16',
    'F-17',
    `with a full disk no grant, code or revocation is answered that was not stored, and with space the server continues${noPrlimit}`,
  ),
  { timeout: 30_000 },
  async () => {
    const database = newFile()
    const { made, running, warm } = await ownProcess(database)
    await warm()
    const phone = await delegate(made, 'phone')
    const before = await granted(await ask(made, phone))
    const one = await browserOf(made, 'ada')
    const code = await allowedCode(made, phone, { scope: 'events.write', one })
    const resource_token = await resourceToken(made, phone, { claims: { scope: 'events.write events.read' } })
    const form = { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1' }
    const { request_token } = await bodyOf(await send(made, phone, form))
    const link = linkOf(String(request_token))
    const question = hiddenFields(await (await open(one, link)).text())
    const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
    const stored = async () => ({
      grants: (await store.db.selectFrom('auth_server_grants').select('id').execute()).length,
      allowed: (
        await store.db.selectFrom('auth_server_requests').select('id').where('status', '=', 'granted').execute()
      ).length,
      requests: (await store.db.selectFrom('auth_server_requests').select('id').execute()).length,
    })
    const then = await stored()

    disk(running, 'full')
    await saysSoQuickly(() => ask(made, phone))
    await saysSoQuickly(() => redeemCode(made, phone, code))
    await saysSoQuickly(async () =>
      send(made, phone, {
        ...form,
        resource_token: await resourceToken(made, phone, { claims: { scope: 'events.write', jti: 'two' } }),
      }),
    )
    await saysSoQuickly(() => send(made, phone, { request_type: 'refresh', refresh_token: before.refresh_token }))
    await saysSoQuickly(() => send(made, phone, { token: before.refresh_token }, { target: '/agent/revoke' }))
    // The page was there before: to show it is a write, too.
    const page = await one.post('/agent/consent', { ...question, decision: 'allow', 'scope:events.read': 'on' })
    expect([page.status, page.headers.get('location')]).toEqual([503, null])
    await servesWhatNeedsNoDatabase(made)
    expect(await stored()).toEqual(then)

    disk(running, 'free')
    expect((await send(made, phone, { request_type: 'refresh', refresh_token: before.refresh_token })).status).toBe(200)
    await granted(await redeemCode(made, phone, code))
    await granted(await ask(made, phone))
    expect(await stored()).toEqual({
      ...then,
      grants: then.grants + 2,
      requests: then.requests - 1,
      allowed: then.allowed - 1,
    })
    expect((await decide(one, link, { decision: 'allow', scopes: ['events.read'] })).status).toBe(303)
    await store.close()
    await running.kill()
  },
)

/** Holds the write lock of a SQLite file, as a process that is slow or stuck does, until it is let go. */
async function lockHeld(database: string): Promise<() => Promise<void>> {
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations, limits: { change: 60 } })
  let release = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  await new Promise<void>(begun => {
    const write = store.write(async () => {
      begun()
      await released
    })
    void write.catch(() => undefined)
  })
  return async () => {
    release()
    await store.close()
  }
}

test(verifies('F-17', 'F-20', 'while another process holds the database, only writes wait, and each wait ends'), {
  timeout: 30_000,
}, async () => {
  const database = newFile()
  const made = await consentWorld({ database })
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  const code = await allowedCode(made, phone, { one })
  const letGo = await lockHeld(database)
  const waiting = Promise.all(Array.from({ length: 20 }, () => redeemCode(made, phone, code)))
  let settled = false
  void waiting.then(() => {
    settled = true
  })
  for (let turn = 0; turn < 10; turn++) {
    await servesWhatNeedsNoDatabase(made)
    // Reads go on, too.
    expect((await one.get('/logout')).status).toBe(200)
    expect((await send(made, phone, { request_type: 'refresh', refresh_token: 'x'.repeat(43) })).status).toBe(400)
    await sleep(10)
  }
  expect(settled).toBe(false)
  await letGo()
  const answers = await waiting
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(made.events.filter(({ type }) => type === 'granted')).toHaveLength(1)

  const { refresh_token } = await granted(answers[0] ?? Response.error())
  const refresh = () => send(made, phone, { request_type: 'refresh', refresh_token })
  const letGoAgain = await lockHeld(database)
  const began = performance.now()
  const refused = await refresh()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
  expect(performance.now() - began).toBeLessThan(10_000)
  await letGoAgain()
  expect((await refresh()).status).toBe(200)
  await made.auth.close()
})

const databases = [
  { name: 'SQLite', away: '', url: newFile },
  { name: 'PostgreSQL', away: postgres.away, url: () => postgres.newUrl() },
]

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'F-21',
      'F-35',
      `on ${name}: many requests at two instances collide in the database without errors, and nothing is granted twice${away}`,
    ),
    { timeout: 60_000 },
    async () => {
      const database = url()
      const a = await consentWorld({ database })
      const b = await secondInstance(a, database)
      const phone = await delegate(a, 'phone')
      const one = await browserOf(a, 'ada')
      const first = await granted(await redeemCode(a, phone, await allowedCode(a, phone, { one })))
      const refresh = { request_type: 'refresh', refresh_token: first.refresh_token }
      for (let round = 0; round < 3; round++) {
        const code = await allowedCode(a, phone, { scope: `events.${round}`, one })
        const crowd = [a, b].flatMap(made => [
          ...Array.from({ length: 8 }, () => redeemCode(made, phone, code)),
          ...Array.from({ length: 8 }, () => send(made, phone, refresh)),
          ...Array.from({ length: 8 }, async () =>
            send(made, phone, {
              request_type: 'auth',
              resource_token: await resourceToken(made, phone, { claims: { scope: 'events.more' } }),
              redirect_uri: callback,
            }),
          ),
        ])
        const statuses = (await Promise.all(crowd)).map(({ status }) => status)
        // One instance redeems the code, and repeats its answer; the other instance has none.
        expect(statuses.filter(status => status === 400)).toHaveLength(8)
        expect(statuses.filter(status => status === 200)).toHaveLength(40)
      }
      const events = [...a.events, ...b.events]
      expect(events.filter(({ type }) => type === 'granted')).toHaveLength(4)
      await Promise.all([a.auth.close(), b.auth.close()])
    },
  )
}

/** PostgreSQL behind a door that can be shut. */
async function doorTo(url: string) {
  const behind = new URL(url)
  const sockets = new Set<Socket>()
  const server: Server = createServer(client => {
    const upstream = connect(Number(behind.port), behind.hostname)
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}))
    client.pipe(upstream).pipe(client)
  })
  const openAt = (port: number): Promise<void> => new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  await openAt(0)
  const { port } = server.address() as AddressInfo
  const front = new URL(url)
  front.port = String(port)
  return {
    url: front.href,
    async shut() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await closed
    },
    reopen: () => openAt(port),
  }
}

test.skipIf(postgres.away !== '')(
  verifies(
    'F-16',
    'F-17',
    'F-42',
    `while PostgreSQL does not answer, the server says so within a second, and continues when it is back${postgres.away}`,
  ),
  { timeout: 30_000 },
  async () => {
    const door = await doorTo(postgres.newUrl())
    const made = await world({ database: door.url })
    const phone = await delegate(made, 'phone')
    const before = await granted(await ask(made, phone))
    const refresh = { request_type: 'refresh', refresh_token: before.refresh_token }
    await door.shut()
    for (let turn = 0; turn < 3; turn++) {
      await saysSoQuickly(() => ask(made, phone))
      await saysSoQuickly(() => send(made, phone, refresh))
      await saysSoQuickly(() => send(made, phone, { token: before.refresh_token }, { target: '/agent/revoke' }))
    }
    await servesWhatNeedsNoDatabase(made)
    await expect(made.auth.ready()).rejects.toThrow()
    await door.reopen()
    const began = performance.now()
    await expect.poll(async () => (await send(made, phone, refresh)).status, { timeout: 10_000 }).toBe(200)
    await granted(await ask(made, phone))
    expect(performance.now() - began).toBeLessThan(10_000)
    await made.auth.close()
    await door.shut()
  },
)

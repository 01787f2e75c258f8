import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { end, logOf, root, run, stand } from './processes.fixture.js'

// Servers as processes: their first start, missing keys and databases, reload, certificates, ports.

const place = stand()
afterAll(() => place.stop())

const servers = ['auth-server', 'agent-server', 'gateway'] as const
type Server = (typeof servers)[number]

/** What a server must be told beside its identity. */
const own = (name: Server): string[] =>
  name === 'gateway' ? ['--upstream', 'http://127.0.0.1:1', '--level', 'anonymous'] : []

const kidsAt = async (url: string): Promise<string[]> => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

test.each(servers)(verifies('F-81', '%s starts first with --init only, and never without what it had'), async name => {
  const port = await freePort()
  const data = join(place.folder, name)
  const command = [name, '--id', 'https://service.example', '--port', String(port), '--data', data, ...own(name)]
  const fresh = await run(command)
  expect([fresh.code, fresh.stdout]).toEqual([2, ''])
  expect(fresh.stderr).toMatch(/^countersign: https:\/\/service\.example does not exist: .*--init.*\n$/)
  expect(existsSync(data) ? readdirSync(data) : []).toEqual([])
  const server = await place.start(name, [...command, '--init'])
  const kids = await kidsAt(`http://localhost:${port}`)
  await end(server, 'SIGTERM')
  expect(await run([...command, '--init'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('leave out --init'),
  })
  const again = await place.start(name, command)
  expect(await kidsAt(`http://localhost:${port}`)).toEqual(kids)
  await end(again, 'SIGTERM')
  // A volume that is not mounted: one file after the other.
  const files = readdirSync(data).filter(file => /^keys\.json$|\.db$/.test(file))
  for (const file of files) {
    const away = join(place.folder, `${name}-away`)
    mkdirSync(away, { recursive: true })
    copyFileSync(join(data, file), join(away, file))
    rmSync(join(data, file))
    const refused = await run(command)
    expect([file, refused.code, refused.stdout]).toEqual([file, 2, ''])
    expect(refused.stderr).toContain(join(data, file))
    expect(existsSync(join(data, file))).toBe(false)
    copyFileSync(join(away, file), join(data, file))
  }
  await end(await place.start(name, command), 'SIGTERM')
})

test(
  verifies('F-81', 'in development a first start needs no flag and is reported; a half state is refused nevertheless'),
  async () => {
    const port = await freePort()
    const data = join(place.folder, 'dev')
    const command = [
      'auth-server',
      '--development',
      '--id',
      `http://localhost:${port}`,
      '--port',
      String(port),
      '--data',
      data,
    ]
    const server = await place.start('auth-server', command)
    await end(server, 'SIGTERM')
    rmSync(join(data, 'auth-server.db'))
    expect(await run(command)).toMatchObject({ code: 2, stderr: expect.stringContaining('auth-server.db') })
  },
)

test('an invitation does not create a missing agent server', async () => {
  const data = join(place.folder, 'none')
  const invited = await run(['agent-server', 'invite', '--id', 'http://localhost:1', '--development', '--data', data])
  expect([invited.code, invited.stdout]).toEqual([2, ''])
  expect(invited.stderr).toContain('start the server first')
  expect(existsSync(join(data, 'agent-server.db'))).toBe(false)
})

test.each(['auth-server', 'agent-server'] as const)(
  verifies('F-63', '%s takes new settings and keys on SIGHUP, and keeps what it had where something is wrong'),
  async name => {
    const port = await freePort()
    const id = `http://localhost:${port}`
    const data = join(place.folder, `reload-${name}`)
    const config = join(place.folder, `${name}.json`)
    const keys = join(data, 'own-keys.json')
    // Keys that rotate are in the database: then the file takes no new one.
    const base = { id, port, development: true, data, keys, rotateKeysEvery: 'never' }
    const write = (more: object): void => writeFileSync(config, JSON.stringify({ ...base, ...more }))
    write({})
    const server = await place.start(name, [name, '--config', config])
    const log = logOf(server)
    const reloaded = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
      const before = log.length
      server.kill('SIGHUP')
      const told = () => log.slice(before).find(({ event }) => /^reload/.test(String(event)))
      await expect.poll(told, { timeout: 10_000 }).toBeDefined()
      return told()
    }
    const metadata = async (): Promise<Record<string, unknown>> =>
      (await (
        await fetch(`${id}/.well-known/${name === 'auth-server' ? 'aauth-issuer' : 'aauth-agent'}`)
      ).json()) as Record<string, unknown>
    const [kid] = await kidsAt(id)
    const saying = name === 'auth-server' ? { demoUsers: [{ name: 'Ada' }] } : { name: 'Renamed' }
    const member = name === 'auth-server' ? 'agent_auth_endpoint' : 'name'
    expect((await metadata())[member]).toBeUndefined()
    write(saying)
    expect(await reloaded()).toMatchObject({ event: 'reloaded' })
    const after = await metadata()
    expect(after[member]).toBeDefined()
    // Wrong settings, one that needs a restart, and keys that are gone: nothing changes, and no key is made.
    for (const [more, why] of [
      [{ unheardOf: 1 }, /unheardOf/],
      [{ ...saying, port: port + 1 }, /port needs a restart/],
    ] as const) {
      write(more)
      expect(await reloaded()).toMatchObject({ event: 'reload_failed', why: expect.stringMatching(why) })
    }
    write(saying)
    const kept = readFileSync(keys)
    rmSync(keys)
    expect(await reloaded()).toMatchObject({ event: 'reload_failed' })
    expect(existsSync(keys)).toBe(false)
    expect(await metadata()).toEqual(after)
    // A new key beside the old one.
    const set = JSON.parse(String(kept)) as { keys: object[] }
    const other = join(place.folder, `${name}-other.json`)
    await run(['keys', 'new', '--id', 'https://other.example', '--state', place.folder])
    const made = JSON.parse(readFileSync(join(place.folder, 'agents', 'other.example.json'), 'utf8')) as {
      keys: object[]
    }
    writeFileSync(other, JSON.stringify({ keys: [...made.keys, ...set.keys] }), { mode: 0o600 })
    copyFileSync(other, keys)
    expect(await reloaded()).toMatchObject({ event: 'reloaded' })
    const kids = await kidsAt(id)
    expect([kids.length, kids[1]]).toEqual([2, kid])
    expect((await fetch(`${id}/readyz`)).status).toBe(200)
    await end(server, 'SIGTERM')
    expect(server.exitCode).toBe(0)
  },
)

/** What the certificate of a server is known by. */
function fingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test(`a server speaks TLS with --tls-cert and --tls-key, takes a new certificate on SIGHUP, and says where it speaks plain http`, async () => {
  const port = await freePort()
  const [cert, key] = [join(place.folder, 'cert.pem'), join(place.folder, 'key.pem')]
  const fixture = (name: string): string => join(root, 'packages/discovery/src/fixtures', `${name}.pem`)
  copyFileSync(fixture('server.test'), cert)
  copyFileSync(fixture('server.test.key'), key)
  const command = [
    'auth-server',
    '--id',
    'https://service.example',
    '--port',
    String(port),
    '--data',
    join(place.folder, 'tls'),
  ]
  const half = await run([...command, '--init', '--tls-cert', cert])
  expect([half.code, half.stderr]).toEqual([2, 'countersign: --tls-cert and --tls-key go together\n'])
  const missing = await run([...command, '--init', '--tls-cert', cert, '--tls-key', join(place.folder, 'none.pem')])
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringMatching(/--tls-key: .*none\.pem cannot be read \(ENOENT\)/),
  ])
  const server = await place.start('auth-server', [...command, '--init', '--tls-cert', cert, '--tls-key', key])
  const log = logOf(server)
  const before = await fingerprint(port)
  copyFileSync(fixture('other-name.test'), cert)
  server.kill('SIGHUP')
  await expect.poll(() => log.some(({ event }) => event === 'reloaded'), { timeout: 10_000 }).toBe(true)
  const after = await fingerprint(port)
  expect(after).not.toBe(before)
  writeFileSync(cert, 'no certificate')
  server.kill('SIGHUP')
  await expect.poll(() => log.some(({ event }) => event === 'reload_failed'), { timeout: 10_000 }).toBe(true)
  expect(await fingerprint(port)).toBe(after)
  await end(server, 'SIGTERM')
  expect(log.filter(({ event }) => event === 'plain_http')).toEqual([])
  const plain = await place.start('auth-server', command)
  const told = logOf(plain)
  await expect
    .poll(() => told.find(({ event }) => event === 'plain_http'))
    .toMatchObject({ msg: expect.stringContaining('--tls-cert') })
  await end(plain, 'SIGTERM')
})

test.each(servers)('%s says in one line what to change when its port is in use', async name => {
  const taken = createServer()
  const port = await new Promise<number>(resolve =>
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
  )
  const data = join(place.folder, `port-${name}`)
  const options = ['--development', '--id', `http://localhost:${port}`, ...own(name)]
  const refused = await run([name, ...options, '--port', String(port), '--data', data])
  expect([refused.code, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toContain(
    `countersign: port ${port} is in use: end the program that listens there, or give another --port\n`,
  )
  taken.close()
  const free = await freePort()
  await end(await place.start(name, [name, ...options, '--port', String(free), '--data', data]), 'SIGTERM')
})

test.each(servers)('%s says once that a proxy stands in front which its settings do not name', async name => {
  const port = await freePort()
  const options = ['--development', '--id', `http://localhost:${port}`, '--port', String(port), ...own(name)]
  const server = await place.start(name, [name, ...options, '--data', join(place.folder, `proxied-${name}`)])
  const log = logOf(server)
  const forwarded = { headers: { 'x-forwarded-for': '203.0.113.7' } }
  for (let count = 0; count < 2; count++) await fetch(`http://localhost:${port}/none`, forwarded)
  await end(server, 'SIGTERM')
  expect(log.filter(({ event }) => event === 'unnamed_proxy')).toHaveLength(1)
})

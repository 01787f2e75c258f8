import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, type Stand, stand } from './processes.fixture.js'

// A laptop with an identity: keys published as two static files on any web host.

let place: Stand
let id: string
let api: string
let site: ReturnType<typeof createServer>

beforeAll(async () => {
  place = stand()
  const port = await freePort()
  id = `http://localhost:${port}`
  const published = join(place.folder, 'site')
  site = createServer((request, response) => {
    const file = join(published, new URL(request.url ?? '/', id).pathname)
    if (!existsSync(file)) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': 'application/json' }).end(readFileSync(file))
  })
  await new Promise<void>(resolve => site.listen(port, 'localhost', resolve))
  const upstream = createServer((request, response) =>
    response.end(JSON.stringify({ agent: request.headers['aauth-agent'], level: request.headers['aauth-level'] })),
  )
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const address = upstream.address()
  const upstreamPort = typeof address === 'object' && address !== null ? address.port : 0
  const apiPort = await freePort()
  api = `http://localhost:${apiPort}`
  await place.start('gateway', [
    'gateway',
    '--id',
    api,
    '--port',
    String(apiPort),
    '--upstream',
    `http://127.0.0.1:${upstreamPort}`,
    '--data',
    join(place.folder, 'gateway'),
    '--development',
  ])
})

afterAll(async () => {
  site.close()
  await place.stop()
})

test('keys publish writes aauth-agent and JWKS without private members, and fetch --as agent uses it', async () => {
  const state = join(place.folder, 'state')
  const flags = ['--id', id, '--state', state, '--development']
  const published = await run(['keys', 'publish', join(place.folder, 'site'), ...flags])
  expect([published.code, published.stderr]).toEqual([0, expect.stringMatching(/^countersign: made a new .*\n$/)])
  // The next command as it must be typed.
  expect(published.stdout).toContain(`countersign fetch URL --as agent --id ${id} --state ${state} --development\n`)
  const again = await run(['keys', 'publish', join(place.folder, 'site'), ...flags])
  expect([again.code, again.stderr]).toEqual([0, ''])
  const jwks = readFileSync(join(place.folder, 'site/.well-known/jwks.json'), 'utf8')
  expect(JSON.parse(jwks)).toMatchObject({ keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519' }] })
  expect(jwks).not.toContain('"d"')
  expect(statSync(join(state, 'agents', `localhost_${new URL(id).port}.json`)).mode & 0o777).toBe(0o600)

  const answer = await run(['fetch', `${api}/anything?x=1`, '--as', 'agent', ...flags])
  expect([answer.code, answer.stderr]).toEqual([0, ''])
  expect(JSON.parse(answer.stdout)).toEqual({ agent: id, level: 'identified' })
})

test(
  verifies('F-81', 'a request is signed by no key made for it: an agent whose keys are missing is refused'),
  async () => {
    const state = join(place.folder, 'empty')
    const flags = ['--id', id, '--state', state, '--development']
    const answer = await run(['fetch', `${api}/anything`, '--as', 'agent', ...flags])
    expect([answer.code, answer.stdout]).toEqual([2, ''])
    expect(answer.stderr).toContain(`keys publish DIR --id ${id} --state ${state} --development`)
    const shown = await run(['keys', 'show', ...flags])
    expect([shown.code, shown.stdout]).toEqual([2, ''])
    expect(readdirSync(join(state, 'agents'))).toEqual([])
  },
)

test('an unpublished identity is refused', async () => {
  const unpublished = `http://localhost:${await freePort()}`
  const flags = ['--id', unpublished, '--state', join(place.folder, 'state'), '--development']
  await run(['keys', 'new', ...flags])
  const answer = await run(['fetch', `${api}/anything`, '--as', 'agent', ...flags])
  expect(answer.code).toBe(1)
  expect(answer.stdout).toContain('discovery_failed')
})

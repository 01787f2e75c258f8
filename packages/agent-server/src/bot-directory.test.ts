import { createBotDirectory, type Fetcher } from '@countersign/discovery'
import { generatePrivateJwk, generateSigningKey, importSigningKey, thumbprint } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { verify } from 'http-message-sig'
import { expect, test } from 'vitest'
import { directoryResponseHeaders } from 'web-bot-auth'
import { signerFromJWK, verifierFromJWK } from 'web-bot-auth/crypto'
import { scene } from './delegate.test.fixture.js'
import { createAgentServer } from './index.js'

const id = 'https://agent.example'
const path = '/.well-known/http-message-signatures-directory'
const get = { method: 'GET', target: path, headers: [['host', 'agent.example']] } as const

const botKey = async (kid = 'b1'): Promise<PublishedKey> => ({ kid, key: await generateSigningKey() })

test(
  verifies('bot.published', 'the npm package verifies the response, and knows the key by its thumbprint'),
  async () => {
    const jwk = await generatePrivateJwk()
    const key = await importSigningKey(jwk)
    const { server } = await scene({ webBotAuth: { keys: [{ kid: 'b1', key }] }, now: () => Date.now() / 1000 })
    expect(server.paths).toContain(path)
    const response = await server.handle(get)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/http-message-signatures-directory+json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const name = await thumbprint(key.publicJwk)
    const { x } = jwk as { x: string }
    expect(await response.json()).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x, alg: 'ed25519', kid: name, use: 'sig' }],
    })
    const pair = {
      request: { method: 'GET', url: id + path, headers: {} },
      response: { status: 200, headers: response.headers },
    }
    const theirs = await verifierFromJWK({ kty: 'OKP', crv: 'Ed25519', x })
    const verified = await verify(pair, async (data, signature, params) => {
      await theirs(data, signature, params as never)
      return params
    })
    expect(verified).toMatchObject({ keyid: name, alg: 'ed25519', tag: 'http-message-signatures-directory' })
    expect(verified.expires?.getTime()).toBeGreaterThan(Date.now() + 300_000)
    // It signs what the package's own server would, and the digest of the body with it.
    const own = await directoryResponseHeaders(pair, [await signerFromJWK({ ...jwk })], {
      created: verified.created ?? new Date(0),
      expires: verified.expires ?? new Date(0),
    })
    const componentsOf = (input: string | null): unknown => /\((.*?)\)/.exec(input ?? '')?.[1]
    expect(componentsOf(own['Signature-Input'])).toBe('"@authority";req')
    expect(componentsOf(response.headers.get('signature-input'))).toBe('"@authority";req "content-digest"')
    const elsewhere = { ...pair, request: { ...pair.request, url: `https://other.example${path}` } }
    await expect(verify(elsewhere, theirs as never)).rejects.toThrow()
  },
)

test(verifies('bot.published', 'each key signs the response, and keys come and go without a restart'), async () => {
  let keys = [await botKey('b1'), { kid: 'b2', key: await generateSigningKey('ES256') }]
  let now = 1_800_000_000
  const { server } = await scene({ webBotAuth: { keys: async () => keys }, now: () => now })
  const fetcher: Fetcher = async url => {
    const response = await server.handle({ ...get, target: url.slice(id.length) })
    const { status, headers } = response
    return {
      status,
      contentType: headers.get('content-type') ?? '',
      headers: [...headers],
      body: new Uint8Array(await response.arrayBuffer()),
    }
  }
  const known = async (): Promise<boolean[]> => {
    const directory = createBotDirectory({ fetcher, now: () => now })
    const found = all.map(async ({ key }) => directory.key(id, await thumbprint(key.publicJwk)))
    return (await Promise.all(found)).map(key => key !== undefined)
  }
  const all = [...keys, await botKey('b3')]
  expect(await known()).toEqual([true, true, false])
  const first = await (await server.handle(get)).text()
  const input = async (): Promise<string | null> => (await server.handle(get)).headers.get('signature-input')
  const signed = await input()
  now += 59
  expect(await input()).toBe(signed)
  now += 1
  expect(await input()).not.toBe(signed)
  keys = all.slice(1)
  expect(await known()).toEqual([false, true, true])
  expect(await (await server.handle(get)).text()).not.toBe(first)
})

test(verifies('bot.own-keys', 'a key of the server is none of its bots, whenever it becomes one'), async () => {
  const own = await botKey('k1')
  const bots = (keys: readonly PublishedKey[] | (() => readonly PublishedKey[])) =>
    createAgentServer({ id, keys: [own], webBotAuth: { keys } })
  await expect(bots([own])).rejects.toThrow(/one of the server's own keys/)
  await expect(bots([await botKey(), { ...own, kid: 'other' }])).rejects.toThrow(TypeError)
  let keys = [await botKey()]
  const server = await bots(() => keys)
  expect((await server.handle(get)).status).toBe(200)
  keys = [own]
  expect((await server.handle(get)).status).toBe(500)
})

test('a server without keys of bots has no directory, and one has 1 to 8 different ones', async () => {
  const { server } = await scene()
  expect(server.paths).not.toContain(path)
  expect((await server.handle(get)).status).toBe(404)
  const one = await botKey()
  const nine = await Promise.all(Array.from({ length: 9 }, () => botKey()))
  for (const keys of [[], [one, one], nine])
    await expect(createAgentServer({ id, webBotAuth: { keys } })).rejects.toThrow(/1 to 8 different keys/)
  await expect(createAgentServer({ id, webBotAuth: { keys: 'b1' } } as never)).rejects.toThrow(TypeError)
  const open = await createAgentServer({ id, webBotAuth: { keys: nine.slice(1) } })
  const head = await open.handle({ ...get, method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect((await open.handle({ ...get, method: 'POST' })).status).toBe(405)
})

test('a key that fails is asked again', async () => {
  const { key } = await botKey()
  const faults = [new Error('away')]
  const sign = async (data: Uint8Array): Promise<Uint8Array> => {
    const fault = faults.pop()
    if (fault !== undefined) throw fault
    return key.sign(data)
  }
  const remote = { ...key, sign }
  const server = await createAgentServer({ id, webBotAuth: { keys: [{ kid: 'b1', key: remote }] } })
  expect((await server.handle(get)).status).toBeGreaterThanOrEqual(500)
  expect((await server.handle(get)).status).toBe(200)
})

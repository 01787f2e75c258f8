import { setTimeout as pause } from 'node:timers/promises'
import { createContext, Script } from 'node:vm'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { expect, test } from 'vitest'
import { bundle } from './bundle.fixture.js'

// Workers, Deno and Bun have no Node of their own, or only some of it: the guard of a Fetch handler runs on what the web has.

const site = `
  import { createDiscovery } from '@countersign/discovery'
  import { generateSigningKey } from '@countersign/httpsig'
  import { createResource, webBot } from '@countersign/resource'
  import { guard, wellKnown } from '@countersign/resource/fetch'
  globalThis.made = (async () => {
    const calendar = createResource({
      id: 'https://calendar.example',
      keys: [{ kid: 'k1', key: await generateSigningKey() }],
      limits: { anonymous: '2/hour' },
      discovery: createDiscovery({ fetcher: async () => ({ status: 404, contentType: '', body: new Uint8Array() }) }),
    })
    try {
      calendar.declare({ level: 'identified', alsoAccept: webBot({ bots: ['https://bot.example'] }) })
    } catch (error) {
      globalThis.refused = error.message
    }
    const options = { peer: (_, address) => address }
    const known = wellKnown(calendar, options)
    const open = guard(calendar, { level: 'anonymous' }, (_, aauth) => Response.json([aauth.level]), options)
    const feed = guard(calendar, { level: 'pseudonymous' }, async (request, aauth) =>
      Response.json([aauth.level, await request.text()]), options)
    const upload = guard(calendar, { level: 'pseudonymous', body: 'stream' }, async request =>
      Response.json([await request.text()]), options)
    const routes = { '/open': open, '/feed': feed, '/upload': upload }
    return async (request, address) =>
      (await known(request, address)) ?? (await routes[new URL(request.url).pathname](request, address))
  })()`

/** The globals of a runtime other than Node: https://min-common-api.proposal.wintertc.org */
const web = Object.fromEntries(
  (
    'AbortController AbortSignal atob Blob btoa console crypto CryptoKey DOMException Event EventTarget fetch FormData Headers ' +
    'performance queueMicrotask ReadableStream Request Response setTimeout clearTimeout structuredClone TextDecoder TextEncoder ' +
    'TransformStream URL URLSearchParams Uint8Array WritableStream'
  )
    .split(' ')
    .map(name => [name, Reflect.get(globalThis, name) as unknown]),
)

test('the guard of a Fetch handler needs no Node APIs, neither to be bundled nor to run', async () => {
  const code = await bundle(site)
  expect(code).not.toMatch(/node:|__vite-browser-external|\brequire\(/)
  const context = createContext({ ...web, made: undefined as unknown })
  new Script(code).runInContext(context)
  await context['made']
  // Without a guarded fetcher, a route that takes bots needs a directory of its own.
  expect(context['refused']).toContain('a fetcher must be passed in')
  const handle = (await context['made']) as (request: Request, address: string) => Promise<Response>
  // It cannot tell requests that were signed before its start from replays.
  await pause(1100)
  const key = await generateSigningKey()
  const call = async (path: string, init: { method?: string; body?: string; sent?: string; address?: string } = {}) => {
    const { method = 'GET', body, sent = body, address = '192.0.2.1' } = init
    const url = `https://calendar.example${path}`
    const bytes = body === undefined ? {} : { body: new TextEncoder().encode(body) }
    const headers: Array<[string, string]> = body === undefined ? [] : [['content-type', 'text/plain']]
    const signed = await signRequest({
      method,
      url,
      headers,
      key,
      signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
      ...bytes,
    })
    const request = new Request(url, {
      method,
      headers: [...headers, ...signed].map(([name, value]): [string, string] => [name, value]),
      ...(sent === undefined ? {} : { body: sent }),
    })
    return handle(request, address)
  }
  const metadata = await call('/.well-known/aauth-resource')
  expect(await metadata.json()).toMatchObject({ resource: 'https://calendar.example' })
  expect(await (await call('/feed', { method: 'POST', body: '{"a":1}' })).json()).toEqual(['pseudonymous', '{"a":1}'])
  expect(await (await call('/upload', { method: 'POST', body: 'abc' })).json()).toEqual(['abc'])
  expect((await call('/feed', { method: 'POST', body: 'abc', sent: 'abd' })).status).toBe(401)
  await expect(call('/upload', { method: 'POST', body: 'abc', sent: 'abd' })).rejects.toThrow('digest_wrong')
  const unsigned = (address: string) => handle(new Request('https://calendar.example/open'), address)
  const statuses: number[] = []
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'])
    statuses.push((await unsigned(address)).status)
  expect(statuses).toEqual([200, 200, 429, 200])
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AgentRequestInit, type Outgoing, readOutgoing, readPlain } from './outgoing.js'
import { readPlainRequest } from './plain-request.js'

const limits = { bodyLimit: 4096, purposes: undefined }

type Shown = Omit<Outgoing, 'url' | 'init' | 'signal' | 'purposes'> & { readonly url: string }

const read = async (input: string | URL | Request, init?: AgentRequestInit): Promise<Outgoing> =>
  readPlain(input, init, limits) ?? readOutgoing(input, init, limits)

/** A request as it is sent, or that its arguments were refused. */
async function show(input: string | URL | Request, init?: AgentRequestInit): Promise<Shown | string> {
  try {
    const { method, url, headers, body, redirect } = await read(input, init)
    return { method, url: url.href, headers, body: body && new Uint8Array(body), redirect }
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown'
  }
}

/** The same by way of `Request`, which the platform reads. */
async function showByRequest(url: string, init: RequestInit): Promise<Shown | string> {
  let request: Request
  try {
    request = new Request(url, init)
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown'
  }
  return show(request)
}

/** Mostly what calls have, and now and then what only `Request` can read or refuses. */
function mostly<T>(usual: readonly T[], rare: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: rare })
}

const names = mostly(
  ['accept', 'Accept', 'X-One', 'x-two', 'content-type', 'b'],
  fc.constantFrom('__proto__', 'signature', 'a b', 'é', ''),
)
const values = mostly(
  ['a', 'a b', 'text/plain'],
  fc.oneof(
    fc.constantFrom('', ' ', ' a', 'a ', 'a\t', 'é', '€', 'a\nb', 'a\0'),
    fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
  ),
)
const lines = fc.array(fc.tuple(names, values), { maxLength: 4 })
const headers: fc.Arbitrary<HeadersInit> = fc.oneof(
  lines.map(all => Object.fromEntries(all)),
  lines.map(all => all.map(([name, value]): [string, string] => [name, value])),
)
const inits: fc.Arbitrary<RequestInit> = fc.record(
  {
    method: mostly(['GET', 'POST', 'PATCH'], fc.constantFrom('get', 'HEAD', 'post', 'patch', 'TRACE', 'a b', '')),
    headers,
    body: fc.oneof(fc.constant(null), fc.string({ unit: 'binary', maxLength: 20 }), fc.constant('\ud800')),
    redirect: mostly(['follow', 'manual', 'error'], fc.constant('none' as 'error')),
  },
  { requiredKeys: [] },
)
const rareUrls = fc.constantFrom('/relative', 'ftp://a.example/', 'https://u@a.example/', 'https://:p@a.example/')
const path = fc.string({ unit: fc.constantFrom(...'ab/?#%.\\é '), maxLength: 12 })
const urls = mostly(['HTTPS://A.example:443', 'http://localhost:4130/'], rareUrls).chain(origin =>
  path.map(rest => `${origin}${rest}`),
)

describe('arguments that are read without a Request', () => {
  test('are read as Request reads them, or refused as it refuses them', async () => {
    let plain = 0
    const property = fc.asyncProperty(urls, inits, async (url, init) => {
      try {
        if (readPlainRequest(url, init) !== undefined) plain += 1
      } catch {}
      expect(await show(url, init)).toEqual(await showByRequest(url, init))
    })
    await fc.assert(property, { numRuns: 2000 })
    expect(plain).toBeGreaterThan(200)
  })

  test('are those of most calls', () => {
    const json = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }
    expect(readPlainRequest('https://calendar.example/events?a=1', json)).toEqual({
      method: 'POST',
      url: new URL('https://calendar.example/events?a=1'),
      headers: [['content-type', 'application/json']],
      body: new TextEncoder().encode('{}'),
      redirect: 'follow',
      signal: undefined,
    })
    expect(readPlainRequest(new URL('https://calendar.example/'), {})).toBeDefined()
    expect(readPlainRequest('https://calendar.example/', { signal: AbortSignal.timeout(1) })).toBeDefined()
  })

  test.each<[string, RequestInit]>([
    ['another option', { cache: 'no-store' }],
    ['bytes', { method: 'POST', body: new Uint8Array(2) }],
    ['a form', { method: 'POST', body: new URLSearchParams() }],
    ['Headers', { headers: new Headers() }],
    ['a signal of another kind', { signal: {} as AbortSignal }],
  ])('are not those with %s', (_, init) => {
    expect(readPlainRequest('https://calendar.example/', init)).toBeUndefined()
  })

  test('a URL that is changed after the call is still the one that was called', async () => {
    const url = new URL('https://calendar.example/events')
    const sent = await read(url, {})
    url.pathname = '/other'
    expect(sent.url.pathname).toBe('/events')
  })

  test('a body over the limit is refused, and one at the limit is not', async () => {
    const over = { method: 'POST', body: 'é'.repeat(2048) }
    expect(await show('https://calendar.example/', over)).toMatchObject({ method: 'POST' })
    expect(await show('https://calendar.example/', { ...over, body: `${over.body}a` })).toBe('AgentError')
  })
})

import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { createCors, withCors } from './cors.js'

const page = 'https://app.example'

function preflight(origin: string, asked = 'POST'): { method: string; headers: Array<[string, string]> } {
  return {
    method: 'OPTIONS',
    headers: [
      ['Origin', origin],
      ['Access-Control-Request-Method', asked],
      ['Access-Control-Request-Headers', 'signature,signature-input,signature-key,x-other'],
    ],
  }
}
const read = (origin?: string) => ({
  method: 'GET',
  headers: origin === undefined ? [] : [['origin', origin] as [string, string]],
})

function exposed(origins: '*' | string[], origin: string | undefined, set: Record<string, string> = {}): object {
  const headers = new Headers(set)
  createCors(origins).expose(read(origin), headers)
  return Object.fromEntries(headers)
}

describe('a preflight', () => {
  test(verifies('cors.preflight', 'TOK-36', 'allows the signature headers, and never credentials'), () => {
    const allowed = {
      'access-control-allow-methods': '*',
      'access-control-allow-headers':
        'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction',
      'access-control-max-age': '600',
    }
    const any = createCors('*').preflight(preflight(page, 'DELETE'))
    expect([any?.status, any?.body]).toEqual([204, null])
    expect(Object.fromEntries(any?.headers ?? [])).toEqual({ ...allowed, 'access-control-allow-origin': '*' })
    const listed = createCors(['https://other.example', page]).preflight(preflight(page))
    expect(Object.fromEntries(listed?.headers ?? [])).toEqual({
      ...allowed,
      'access-control-allow-origin': page,
      vary: 'Origin',
    })
  })

  test.each([
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    'https://APP.example',
    'https://app.example:8443',
    '',
  ])('of an origin that is not listed allows nothing: %j', origin => {
    const cors = createCors([page])
    const answer = cors.preflight(preflight(origin))
    expect(answer?.status).toBe(204)
    expect(Object.fromEntries(answer?.headers ?? [])).toEqual({ vary: 'Origin' })
    expect(cors.preflight(preflight(page))?.headers.get('access-control-allow-origin')).toBe(page)
  })

  test('with two origins is refused', () => {
    const request = preflight(page)
    const twice = { ...request, headers: [...request.headers, ['origin', 'https://evil.example'] as [string, string]] }
    expect(createCors([page]).preflight(twice)?.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('is an OPTIONS with an origin and a requested method, and no other request', () => {
    const cors = createCors('*')
    const { headers } = preflight(page)
    expect(cors.preflight({ method: 'OPTIONS', headers })).toBeDefined()
    expect(cors.preflight({ method: 'GET', headers })).toBeUndefined()
    expect(cors.preflight({ method: 'OPTIONS', headers: headers.slice(0, 1) })).toBeUndefined()
    expect(cors.preflight({ method: 'OPTIONS', headers: headers.slice(1) })).toBeUndefined()
  })
})

describe('an answer', () => {
  test(verifies('cors.exposed', 'shows challenge, waits, limits and date to the page'), () => {
    const names = 'Agent-Auth, Retry-After, RateLimit, RateLimit-Policy, Date'
    expect(exposed('*', page)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': names,
    })
    // The same without Origin: a cache may give one caller's copy to another.
    expect(exposed('*', undefined)).toEqual(exposed('*', page))
    expect(exposed([page], page, { vary: 'Signature-Key' })).toEqual({
      'access-control-allow-origin': page,
      'access-control-expose-headers': names,
      vary: 'Signature-Key, Origin',
    })
    expect(exposed([page], 'https://evil.example')).toEqual({ vary: 'Origin' })
    expect(exposed([page], undefined)).toEqual({ vary: 'Origin' })
  })

  test(verifies('TOK-36', 'keeps no credentials and no reflected origin that a handler set'), () => {
    const reflecting = {
      'access-control-allow-origin': 'https://evil.example',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'ETag',
    }
    expect(exposed([page], 'https://evil.example', reflecting)).toEqual({
      'access-control-expose-headers': 'ETag',
      vary: 'Origin',
    })
    expect(exposed('*', 'https://evil.example', reflecting)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'ETag, Agent-Auth, Retry-After, RateLimit, RateLimit-Policy, Date',
    })
  })

  test('that exposes headers already keeps them', () => {
    const once = exposed([page], page) as Record<string, string>
    expect(exposed([page], page, once)).toEqual(once)
  })
})

test(verifies('TOK-36', 'a preflight never reaches the handler, everything else does'), async () => {
  let handled = 0
  const handle = withCors([page], async () => {
    handled += 1
    return new Response('no', { status: 404 })
  })
  expect((await handle(preflight(page))).status).toBe(204)
  expect(handled).toBe(0)
  const answer = await handle(read(page))
  expect([answer.status, answer.headers.get('access-control-allow-origin'), handled]).toEqual([404, page, 1])
})

test('without origins nothing is added', async () => {
  const handle = withCors(undefined, async () => new Response('no', { status: 405 }))
  const answer = await handle(preflight(page))
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([405, null])
})

test.each([
  [[]],
  [['*']],
  [['null']],
  [['https://*.app.example']],
  [['https://app.example/']],
  [['https://App.example']],
  [['https://app.example:443']],
  [['app.example']],
  [['https://a.example,https://b.example']],
  [['https://user@app.example']],
  ['https://app.example'],
])('no list of origins: %j', origins => {
  expect(() => createCors(origins as string[])).toThrow(TypeError)
})

test.each(['https://app.example:8443', 'http://localhost:5173', 'http://[::1]:8080', 'capacitor://localhost'])(
  'takes %s for an origin',
  origin => {
    expect(createCors([origin]).preflight(preflight(origin))?.headers.get('access-control-allow-origin')).toBe(origin)
  },
)

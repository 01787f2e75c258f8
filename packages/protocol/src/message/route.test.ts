import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { answerRoute, documentResponse, jwksResponse, privateResponse } from '../internal.js'

const routes = new Map([
  ['/document', { methods: ['GET', 'HEAD'], answer: () => documentResponse({ issuer: 'https://agent.example' }) }],
  ['/token', { methods: ['POST'], answer: () => Promise.resolve(privateResponse({ expires_in: 60 })) }],
])

async function answered(method: string, target: string): Promise<unknown[]> {
  const response = await answerRoute({ method, target, headers: [] }, routes)
  const { headers } = response
  return [response.status, headers.get('cache-control'), headers.get('allow'), await response.text()]
}

test(verifies('error.method', 'a path answers its methods only, and only by its exact spelling'), async () => {
  const document = '{"issuer":"https://agent.example"}'
  const caching = 'public, max-age=300'
  expect(await answered('GET', '/document')).toEqual([200, caching, null, document])
  expect(await answered('GET', '/document?a=b')).toEqual([200, caching, null, document])
  expect(await answered('HEAD', '/document')).toEqual([200, caching, null, ''])
  expect(await answered('POST', '/token')).toEqual([200, 'no-store', null, '{"expires_in":60}'])
  const refused =
    '{"error":"invalid_request","reason":"method_not_allowed","error_description":"This method is not allowed here."}'
  expect(await answered('POST', '/document')).toEqual([405, 'no-store', 'GET, HEAD', refused])
  expect(await answered('get', '/document')).toEqual([405, 'no-store', 'GET, HEAD', refused])
  expect(await answered('GET', '/token')).toEqual([405, 'no-store', 'POST', refused])
  const missing =
    '{"error":"invalid_request","reason":"path_unknown","error_description":"Nothing is served at this path."}'
  for (const target of ['/', '/Document', '/document/', '//document', '/%64ocument'])
    expect(await answered('GET', target), target).toEqual([404, 'no-store', null, missing])
})

test('keys are answered as a JWK set without private members', async () => {
  const key = await generateSigningKey()
  const response = jwksResponse([{ kid: 'k1', key }])
  expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  expect(await response.json()).toEqual({ keys: [{ ...key.publicJwk, kid: 'k1', use: 'sig' }] })
})

test('documents and private responses are plain JSON', () => {
  expect(documentResponse({}).headers.get('content-type')).toBe('application/json')
  expect(privateResponse({}).headers.get('content-type')).toBe('application/json')
})

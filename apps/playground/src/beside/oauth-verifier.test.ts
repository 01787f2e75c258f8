import { createServer, type IncomingMessage, type Server } from 'node:http'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { oauthVerifier } from './oauth-verifier.js'

const api = 'http://localhost:1'
let server: Server
let issuer: string
let key: CryptoKey
let verify: ReturnType<typeof oauthVerifier>
/** What introspection says of each token. */
const introspected: Readonly<Record<string, object>> = {
  plain: { active: true, sub: 'ada', client_id: 'agent', scope: 'a b' },
  mine: { active: true, sub: 'ada', client_id: 'agent', scope: 'a', aud: [api] },
  other: { active: true, sub: 'ada', client_id: 'agent', scope: 'a', aud: 'http://localhost:2' },
}

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  key = privateKey
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const token = new URLSearchParams(body).get('token') ?? ''
    response.end(JSON.stringify(request.url === '/jwks' ? jwks : (introspected[token] ?? { active: false })))
  })
  issuer = `http://127.0.0.1:${await listenOn(server)}`
  verify = oauthVerifier({ id: api, name: 'api', issuer, client_id: api, client_secret: 'secret' })
})
afterAll(() => closeServer(server))

function request(authorization?: string): IncomingMessage {
  const headers = authorization === undefined ? {} : { authorization }
  return { method: 'GET', url: '/appointments', headers } as IncomingMessage
}

async function jwt(change: JWTPayload = {}, typ = 'at+jwt'): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const whole = {
    iss: issuer,
    aud: api,
    sub: 'ada',
    client_id: 'agent',
    scope: 'a b',
    jti: '1',
    iat: now,
    exp: now + 60,
  }
  return new SignJWT({ ...whole, ...change }).setProtectedHeader({ alg: 'ES256', kid: 'k', typ }).sign(key)
}

test('an access token for this API names its caller', async () => {
  const token = await jwt()
  expect(await verify(request(`Bearer ${token}`))).toEqual({ sub: 'ada', client: 'agent', scopes: ['a', 'b'], token })
})

test('a JWT for another API, by another issuer, expired, of another type or without a claim is refused', async () => {
  const wrong = [
    jwt({ aud: 'http://localhost:2' }),
    jwt({ iss: 'http://localhost:3' }),
    jwt({ exp: 1 }),
    jwt({}, 'JWT'),
    jwt({ client_id: undefined }),
  ]
  for (const token of wrong) await expect(verify(request(`Bearer ${await token}`))).rejects.toThrow()
})

test('a bound token is refused as a bearer token, and without a proof', async () => {
  const token = await jwt({ cnf: { jkt: 'thumbprint' } })
  await expect(verify(request(`Bearer ${token}`))).rejects.toThrow('this token needs a DPoP proof')
  await expect(verify(request(`DPoP ${token}`))).rejects.toThrow()
})

test('of any other token the authorization server is asked; without an audience it is good everywhere', async () => {
  expect(await verify(request('Bearer plain'))).toMatchObject({ sub: 'ada', scopes: ['a', 'b'] })
  expect(await verify(request('Bearer mine'))).toMatchObject({ sub: 'ada', scopes: ['a'] })
  await expect(verify(request('Bearer other'))).rejects.toThrow('the token is for another API')
  await expect(verify(request('Bearer unknown'))).rejects.toThrow('the token is not active')
})

test('no token and a malformed one are told apart from a refused one', async () => {
  await expect(verify(request())).rejects.toThrow('there is no access token')
  await expect(verify(request('Bearer a b'))).rejects.toThrow('there is no access token')
})

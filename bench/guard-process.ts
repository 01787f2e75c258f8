import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDiscovery } from '@countersign/discovery'
import type { PublicJwk } from '@countersign/httpsig'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource, memoryRevocationSet, type Resource } from '@countersign/resource'
import { guard } from '@countersign/resource/hono'
import { guard as guardNode } from '@countersign/resource/node'
import { startedClock } from '@countersign/testing/world/started-clock'
import { makeWeb } from '@countersign/testing/world/web'
import { serve } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import * as oauth from 'oauth4webapi'
import { chooseEd25519, type Ed25519 } from './ed25519.js'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface GuardOrder {
  /** What stands before the route; `floor` is what no guard does without. */
  readonly kind: 'bare' | 'aauth' | 'dpop' | 'floor'
  /** What the route is made with. */
  readonly on: 'hono' | 'node'
  /** Where the tokens are from. */
  readonly issuer: string
  readonly issuerKey: PublicJwk
  /** Whom they are for. */
  readonly audience: string
  /** What verifies behind the guard; default `node`. */
  readonly ed25519?: Ed25519
}

async function calendar({ issuer, issuerKey, audience }: GuardOrder): Promise<Resource<'events.read'>> {
  return createResource({
    revocations: memoryRevocationSet({ now: startedClock() }),
    id: audience,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [issuer],
    scopes: { 'events.read': 'See your events' },
    discovery: createDiscovery({
      fetcher: makeWeb(
        new Map(
          Object.entries({
            [`${issuer}/.well-known/aauth-issuer`]: {
              issuer,
              jwks_uri: `${issuer}/jwks`,
              agent_token_endpoint: `${issuer}/t`,
            },
            [`${issuer}/jwks`]: { keys: [{ ...issuerKey, kid: 'k1', use: 'sig' }] },
          }),
        ),
      ).fetcher,
    }),
  })
}

/** The same route for OAuth: a JWT access token bound by DPoP (RFC 9449), both checked by `oauth4webapi`, the keys cached. */
function dpopGuard({ issuer, issuerKey, audience }: GuardOrder): MiddlewareHandler {
  const as: oauth.AuthorizationServer = { issuer, jwks_uri: `${issuer}/jwks` }
  const keys = { keys: [{ ...issuerKey, alg: 'EdDSA', kid: 'k1', use: 'sig' }] }
  const options = {
    requireDPoP: true,
    signingAlgorithms: ['Ed25519', 'EdDSA'],
    [oauth.customFetch]: async () => Response.json(keys),
    [oauth.jwksCache]: {},
  }
  return async (c: Context, next) => {
    // As a deployment behind TLS would: the proof names the https URL.
    const request = new Request(`${audience}${c.req.path}`, { headers: c.req.raw.headers })
    const claims = await oauth.validateJwtAccessToken(as, request, audience, options)
    if (!String(claims.scope).split(' ').includes('events.read')) return c.text('insufficient_scope', 403)
    await next()
    return undefined
  }
}

/** One verification, over bytes that are there already: the least that a guard costs in such a route. */
function floor(): MiddlewareHandler {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(1000, 'x')
  const signature = sign(null, message, privateKey)
  return async (_, next) => {
    if (verify(null, message, publicKey, signature)) await next()
  }
}

const events = { events: [{ summary: 'Chess at eight', start: '2026-12-01T20:00' }] }
const scope = 'events.read'

async function honoApp(order: GuardOrder): Promise<Hono> {
  const app = new Hono()
  if (order.kind === 'aauth') app.use('/events', guard(await calendar(order), { scope }))
  if (order.kind === 'floor') app.use('/events', floor())
  if (order.kind === 'dpop') app.use('/events', dpopGuard(order))
  return app.get('/events', c => c.json(events))
}

async function nodeHandler(order: GuardOrder): Promise<RequestListener> {
  const handle: RequestListener = (_, response) => {
    const body = JSON.stringify(events)
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  }
  return order.kind === 'bare' ? handle : guardNode(await calendar(order), { scope }, handle)
}

async function run(order: GuardOrder): Promise<number> {
  chooseEd25519(order.ed25519 ?? 'node')
  if (order.on === 'node') {
    const server = createServer(await nodeHandler(order))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const { fetch } = await honoApp(order)
  return new Promise(resolve => serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port)))
}

answerMeasurements(run)

import { createDiscovery } from '@countersign/discovery'
import type { PublicJwk } from '@countersign/httpsig'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { guard } from '@countersign/resource/hono'
import { serve } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import * as oauth from 'oauth4webapi'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface GuardOrder {
  /** What stands before the route. */
  readonly kind: 'bare' | 'aauth' | 'dpop'
  /** Where the tokens are from. */
  readonly issuer: string
  readonly issuerKey: PublicJwk
  /** Whom they are for. */
  readonly audience: string
}

const encoder = new TextEncoder()

function published(documents: Readonly<Record<string, unknown>>) {
  return async (url: string) => ({
    status: documents[url] === undefined ? 404 : 200,
    contentType: 'application/json',
    body: encoder.encode(JSON.stringify(documents[url] ?? {})),
  })
}

async function aauthGuard({ issuer, issuerKey, audience }: GuardOrder): Promise<MiddlewareHandler> {
  const resource = createResource({
    id: audience,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [issuer],
    scopes: { 'events.read': 'See your events' },
    discovery: createDiscovery({
      fetcher: published({
        [`${issuer}/.well-known/aauth-issuer`]: {
          issuer,
          jwks_uri: `${issuer}/jwks`,
          agent_token_endpoint: `${issuer}/t`,
        },
        [`${issuer}/jwks`]: { keys: [{ ...issuerKey, kid: 'k1', use: 'sig' }] },
      }),
    }),
  })
  return guard(resource, { scope: 'events.read' })
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

async function run(order: GuardOrder): Promise<number> {
  const app = new Hono()
  const events = { events: [{ summary: 'Chess at eight', start: '2026-12-01T20:00' }] }
  if (order.kind === 'aauth') app.use('/events', await aauthGuard(order))
  if (order.kind === 'dpop') app.use('/events', dpopGuard(order))
  app.get('/events', c => c.json(events))
  return new Promise(resolve =>
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port)),
  )
}

answerMeasurements(run)

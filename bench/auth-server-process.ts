import { createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import {
  generateSigningKey,
  importSigningKey,
  memoryReplaySet,
  type PrivateJwk,
  type PublicJwk,
} from '@countersign/httpsig'
import { verifyOn } from '@countersign/httpsig/node'
import { redisReplaySet } from '@countersign/redis'
import { serve } from '@countersign/server'
import { makeWeb } from '@countersign/testing/world/web'
import { chooseEd25519, type Ed25519 } from './ed25519.js'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface AuthServerOrder {
  readonly database: string
  readonly agent: PublicJwk
  readonly resource: PublicJwk
  /** The key that instances on one database share; default a new one. */
  readonly key?: PrivateJwk
  /** `redis://…` in which they remember requests; default in memory. */
  readonly replay?: string
  /** What makes and verifies signatures of Ed25519; default `node`, as in the command. */
  readonly ed25519?: Ed25519
}

const issuer = 'https://auth.example'
const agent = 'https://agent.example'
const resource = 'https://calendar.example'

async function run(order: AuthServerOrder): Promise<number> {
  const documents: Readonly<Record<string, unknown>> = {
    [`${agent}/.well-known/aauth-agent`]: { issuer: agent, agent, jwks_uri: `${agent}/jwks` },
    [`${agent}/jwks`]: { keys: [{ ...order.agent, kid: 'k1', use: 'sig' }] },
    [`${resource}/.well-known/aauth-resource`]: { issuer: resource, resource, jwks_uri: `${resource}/jwks` },
    [`${resource}/jwks`]: { keys: [{ ...order.resource, kid: 'r1', use: 'sig' }] },
  }
  const participant = await createAuthServer({
    issuer,
    keys: [
      { kid: 'a1', key: order.key === undefined ? await generateSigningKey() : await importSigningKey(order.key) },
    ],
    database: order.database,
    policy: directGrants([{ agent, delegates: 'any', resource, scopes: ['events.read'] }]),
    // All delegates here are of one agent, which sends more than its usual share.
    replay:
      order.replay === undefined
        ? memoryReplaySet({ share: 100_000 })
        : await redisReplaySet({ url: order.replay, prefix: `bench:${issuer}`, share: 100_000 }),
    discovery: createDiscovery({ fetcher: makeWeb(new Map(Object.entries(documents))).fetcher }),
  })
  // As `countersign auth-server` does.
  chooseEd25519(order.ed25519 ?? 'node')
  verifyOn('pool')
  const running = await serve({
    name: 'auth-server',
    id: issuer,
    port: 0,
    host: '127.0.0.1',
    participant,
    level: 'error',
    announce: () => undefined,
    signals: false,
  })
  return running.port
}

answerMeasurements(run)

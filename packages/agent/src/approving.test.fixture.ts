import { thumbprint } from '@countersign/httpsig'
import { operationDigest, parseToken } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import { refusal } from './agents.test.fixture.js'
import type { Exchange } from './network.test.fixture.js'
import { auth, calendar, type World } from './participants.test.fixture.js'

/** A resource that has every request to `/notes` approved, and what a test changes in it. */
export interface Approving {
  /** Bodies of the requests that were carried out. */
  readonly ran: string[]
  /** The auth tokens of approvals that were used. */
  readonly used: string[]
  /** What the user is shown. */
  display: readonly string[]
  /** Changes the operation of the next resource tokens. */
  tamper: (operation: Record<string, unknown>) => Record<string, unknown>
  /** Answers a request that would be carried out; undefined: carries it out. */
  instead: ((exchange: Exchange) => Response | undefined) | undefined
}

/** Makes the calendar of a world ask for approvals. */
export function approving(own: World): Approving {
  const asks: Approving = {
    ran: [],
    used: [],
    display: ['Note ', 'milk', ' for Ada'],
    tamper: operation => operation,
    instead: undefined,
  }
  own.network.intercept(calendar, async (exchange, next) => {
    const response = await next(exchange)
    if (!exchange.target.startsWith('/notes') || response.status !== 200) return response
    const claims = authTokenOf(exchange)
    const digest = await operationDigest(baseOf(exchange), asks.display)
    const jti = String(claims['jti'])
    if (claims['operation_digest'] !== digest) return challenge(own, asks, claims, digest)
    const instead = asks.instead?.(exchange)
    if (instead !== undefined) return instead
    if (asks.used.includes(jti))
      return Response.json({ error: 'replay_detected', reason: 'approval_used' }, { status: 401 })
    asks.used.push(jti)
    asks.ran.push(exchange.text)
    return response
  })
  return asks
}

async function challenge(
  own: World,
  asks: Approving,
  claims: Readonly<Record<string, unknown>>,
  digest: string,
): Promise<Response> {
  const iat = Math.floor(own.clock.time)
  const { agent, agent_delegate, cnf, sub } = claims
  if (!isObject(cnf)) throw new Error('no cnf')
  const token = await own.sign('resource+jwt', {
    iss: calendar,
    aud: auth,
    agent,
    sub,
    agent_jkt: await thumbprint(cnf['jwk'] as never),
    ...(agent_delegate === undefined ? {} : { agent_delegate }),
    scope: 'events.write',
    iat,
    exp: iat + 300,
    jti: `approval-${own.issued}`,
    operation: asks.tamper({ name: 'note', digest, display: asks.display }),
  })
  const how = `httpsig; auth-token; resource_token="${token}"; auth_server="${auth}"`
  return refusal(401, how, 'insufficient_level')
}

function authTokenOf(exchange: Exchange): Readonly<Record<string, unknown>> {
  const jwt = /jwt="([^"]+)"/.exec(exchange.header('signature-key') ?? '')?.[1] ?? ''
  return parseToken(jwt, ['auth+jwt']).payload
}

/** The signature base of a request, built from what came, not by the code that signs. */
function baseOf(exchange: Exchange): string {
  const covered = /\(([^)]*)\)/.exec(exchange.header('signature-input') ?? '')?.[1] ?? ''
  const [path = '', query] = exchange.target.split('?')
  const derived: Readonly<Record<string, string>> = {
    '@method': exchange.method,
    '@authority': new URL(exchange.origin).host,
    '@path': path,
    '@query': `?${query}`,
  }
  const names = covered.split(' ').map(name => name.replaceAll('"', ''))
  const lines = names.map(name => `"${name}": ${derived[name] ?? exchange.header(name)}`)
  return [...lines, `"@signature-params": (${covered})`].join('\n')
}

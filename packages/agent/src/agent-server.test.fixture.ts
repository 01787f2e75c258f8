import { createDiscovery, type Discovery } from '@countersign/discovery'
import { type PublicJwk, thumbprint } from '@countersign/httpsig'
import { AAuthError, jwks, verifyKeyProof } from '@countersign/protocol'
import { createVerifier, type IdentifiedCaller } from '@countersign/verify'
import type { Exchange, Host } from './network.test.fixture.js'
import type { World } from './participants.test.fixture.js'

export const home = 'https://agent.example'

const endpoint = `${home}/delegates`

/** What the agent server knows of one delegate. */
interface Known {
  jkt: string
  /** The key before, and until when it may repeat its rotation. */
  replaced?: { readonly jkt: string; readonly until: number }
}

/** The agent server's memory, and the knobs with which a test makes it refuse. */
export interface Delegates {
  /** By `sub`. */
  readonly known: Map<string, Known>
  /** Codes that enrol, each once, and the delegate they enrol. */
  readonly codes: Map<string, string>
  /** OIDC tokens and custom badges that were taken. */
  readonly taken: Set<string>
  /** Keys that asked for something after they were replaced. */
  readonly alarms: string[]
  /** Whether it replaces keys at all. */
  rotates: boolean
}

export function delegates(): Delegates {
  const codes = new Map([
    ['first', 'd1'],
    ['second', 'd1'],
  ])
  return { known: new Map(), codes, taken: new Set(), alarms: [], rotates: true }
}

export function agentServerHost(own: World): Host {
  const discovery: Discovery = createDiscovery({ fetcher: own.network.fetcher, now: own.clock.now })
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/aauth-agent': {
      issuer: home,
      agent: home,
      jwks_uri: `${home}/jwks.json`,
      delegate_token_endpoint: endpoint,
    },
    '/jwks.json': jwks([{ kid: 'k1', key: own.agentKey }]),
  }
  const verifier = createVerifier({ receiver: home, discovery, accept: ['hwk', 'agent+jwt'], now: own.clock.now })
  return async exchange => {
    const document = documents[exchange.target]
    if (document !== undefined) return Response.json(document)
    const { caller } = await verifier.verify(exchange, { expiredAgentTokenGrace: 30 * 86_400 })
    if (caller.level === 'pseudonymous') {
      const sub = enrolled(own, exchange, caller.key.thumbprint)
      own.delegates.known.set(sub, { jkt: caller.key.thumbprint })
      return answer(own, sub, caller.key.publicJwk)
    }
    if (caller.level !== 'identified')
      throw new AAuthError('insufficient_level', 'enrol or renew', { reason: 'level_insufficient' })
    if (exchange.text !== '') return rotated(own, exchange, caller)
    const sub = String(caller.delegate)
    if (own.delegates.known.get(sub)?.jkt !== caller.key.thumbprint) throw refusedKey(own, caller)
    return answer(own, sub, caller.key.publicJwk)
  }
}

async function rotated(own: World, exchange: Exchange, caller: IdentifiedCaller): Promise<Response> {
  const { jwk, proof } = JSON.parse(exchange.text) as { jwk: PublicJwk; proof: string }
  const sub = String(caller.delegate)
  const { thumbprint: jkt } = caller.key
  const known = own.delegates.known.get(sub)
  if (!own.delegates.rotates)
    throw new AAuthError('invalid_request', 'a renewal has an empty body', { reason: 'parameter_malformed' })
  await verifyKeyProof(proof, { jwk, aud: endpoint, sub, jkt, now: own.clock.time })
  const next = await thumbprint(jwk)
  const isRepeat = known?.replaced?.jkt === jkt && known.jkt === next && own.clock.time <= known.replaced.until
  if (known?.jkt !== jkt && !isRepeat) throw refusedKey(own, caller)
  if (!isRepeat) own.delegates.known.set(sub, { jkt: next, replaced: { jkt, until: own.clock.time + 60 } })
  return answer(own, sub, jwk)
}

function refusedKey(own: World, { delegate, key }: IdentifiedCaller): AAuthError {
  if (own.delegates.known.has(String(delegate))) own.delegates.alarms.push(key.thumbprint)
  return new AAuthError('invalid_agent_token', 'not the current key of this delegate', { reason: 'key_unknown' })
}

async function answer(own: World, sub: string, jwk: PublicJwk): Promise<Response> {
  const iat = Math.floor(own.clock.time)
  const jti = `jti-${own.issued}`
  const agent_token = await own.sign('agent+jwt', { iss: home, sub, cnf: { jwk }, iat, exp: iat + 3600, jti })
  return Response.json({ agent_token, expires_in: 3600 }, { headers: { 'cache-control': 'no-store' } })
}

/** The delegate an enrolment is for. An OIDC token here is `oidc SUB AUD`, as text without spaces: `oidc|SUB|AUD`. */
function enrolled({ delegates }: World, exchange: Exchange, jkt: string): string {
  const { enrollment } = JSON.parse(exchange.text) as { enrollment: Record<string, string> }
  const { type, code = '', token = '', badge = '' } = enrollment
  if (type === 'session' && exchange.header('cookie') === 'session=ada') return 'ada'
  const once = type === 'oidc' ? token : `${type} ${badge}`
  if (type === 'code') {
    const sub = delegates.codes.get(code)
    delegates.codes.delete(code)
    if (sub !== undefined) return sub
  } else if ((type === 'oidc' || type === 'badge') && !delegates.taken.has(once)) {
    delegates.taken.add(once)
    const [, sub = '', aud = ''] = token.split('|')
    if (type === 'badge') return badge
    if (aud === `${endpoint}#${jkt}` || aud === endpoint) return sub
  } else if (!['oidc', 'badge', 'session'].includes(String(type))) {
    throw new AAuthError('invalid_request', 'enrollment.type is unknown', { reason: 'parameter_malformed' })
  }
  throw new AAuthError('invalid_grant', 'this enrolment is wrong or used', { reason: 'enrolment_code_invalid' })
}

import { wordsOf } from '../shared/identifier.js'
import type { JsonObject } from '../shared/json.js'
import { refusing } from '../shared/refusal.js'
import { authToken, checkToken, readJws, type TokenType } from '../shared/token.js'
import type { Call } from './caller.js'
import { agentsIn } from './chain.js'
import { readList } from './conditions.js'
import type { Context } from './context.js'
import { asOf } from './documents-of.js'
import { denied } from './refusals.js'
import type { Asked, Upstream } from './state.js'

const upstreamToken: TokenType = { ...authToken, refuse: refusing(400, 'invalid_auth_token') }

/** Checks the token that a middle was called with. @see protocol §7 @throws Refusal */
export async function readUpstream(
  { id, documents, now, settings, state }: Context,
  { caller }: Call,
  o: { readonly token: string; readonly asked: Asked },
): Promise<{ readonly upstream: Upstream; readonly scope: readonly string[] }> {
  const { refuse } = upstreamToken
  const jws = readJws(o.token, refuse)
  const isTrusted = (issuer: string): boolean => settings.exchange.rules.some(rule => rule.upstream === issuer)
  await asOf(400, () => checkToken(jws, upstreamToken, { documents, now, isTrusted }))
  const { claims } = jws
  if (claims['aud'] !== caller.agent) throw refuse('token_audience_wrong', '`aud` of the upstream token is another')
  if (claims['agent'] === undefined) throw refuse('token_claim_missing', '`agent` of the upstream token is missing')
  if (claims['scope'] === undefined) throw refuse('token_claim_missing', '`scope` of the upstream token is missing')
  const grant = [...state.grants].find(({ name }) => claims['iss'] === id && name === claims['grant'])
  if (claims['iss'] === id && (grant === undefined || grant.isEnded))
    throw refuse('token_revoked', 'the grant of the upstream token has ended')
  const constraints = readList(claims['constraints'], 'constraints')
  if (claims['delegation'] !== undefined) readList(null, 'delegation')
  const act = actOf(claims)
  checkChain(act, caller.agent, o.asked.resource)
  const upstream: Upstream = {
    iss: String(claims['iss']),
    sub: optional(claims['sub']),
    act,
    exp: Number(claims['exp']),
    txn: optional(claims['txn']),
    purposes: wordsOf(claims['purposes']) ?? [],
    constraints,
    grant,
  }
  return { upstream, scope: wordsOf(claims['scope']) ?? [] }
}

const optional = (value: unknown): string | undefined => (value === undefined ? undefined : String(value))

/** Who acted before. */
function actOf({ iss, agent, agent_delegate, act }: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify({ iss, agent, agent_delegate, act })) as JsonObject
}

/** At most five in a chain, and none twice. */
function checkChain(act: JsonObject, middle: string, resource: string): void {
  const agents = agentsIn(act)
  if (agents.length > 5) throw denied('chain_too_long', 'the chain is too long')
  const names = [...agents, middle, resource]
  if (new Set(names).size !== names.length) throw denied('chain_repeats', 'a participant stands twice in the chain')
}

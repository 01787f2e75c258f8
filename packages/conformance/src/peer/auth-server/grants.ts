import { randomUUID } from 'node:crypto'
import { signToken } from '../../signing/token.js'
import { badRequest } from '../shared/refusal.js'
import { agentsIn } from './chain.js'
import { type Condition, countsOfGrant, judgeList, lastMoment, narrowed } from './conditions.js'
import type { Context } from './context.js'
import { sendNotice } from './notices.js'
import { denied } from './refusals.js'
import { demandedOf, isIdentityScope } from './settings.js'
import type { Asked, Caller, Grant, Upstream } from './state.js'
import { hashOf, secret } from './values.js'

/** Seconds that a token lives. */
const life = 600
/** Seconds that the token of a single call lives. */
const callLife = 300

/** Characters of a token. */
const longestToken = 6 * 1024

/** Checks that a token may be issued, and says under which conditions and until when. @throws Refusal */
export function termsOf(
  { now, settings }: Context,
  caller: Caller,
  o: { readonly asked: Asked; readonly scope: readonly string[]; readonly upstream: Upstream | undefined },
): { readonly list: readonly Condition[]; readonly exp: number } {
  const { asked, scope, upstream } = o
  const passedOn = (upstream?.constraints ?? []).filter(({ resource }) => resource !== caller.agent)
  const demanded = upstream === undefined ? demandedOf(settings, { ...caller, resource: asked.resource, scope }) : []
  const list = narrowed([...demanded, ...passedOn, ...caller.delegation], asked.resource)
  const services = upstream === undefined ? [] : [caller.agent, ...agentsIn(upstream.act).slice(0, -1)]
  judgeList(list, { resource: asked.resource, scope, purposes: asked.purposes, services, now: now() })
  const known = [asked.metadata['constraints_supported']].flat()
  const unknown = list.find(({ type }) => !known.includes(type))
  if (unknown !== undefined)
    throw denied('conditions_unsupported', `the resource does not enforce the condition ${unknown.type}`)
  if (list.length > 32) throw denied('conditions_too_long', 'the conditions are too many')
  if (Buffer.byteLength(JSON.stringify(list)) > 2048) throw denied('conditions_too_long', 'the conditions are too long')
  const longest = now() + (asked.operation === undefined ? life : callLife)
  const latest = upstream === undefined ? longest : Math.min(longest, upstream.exp)
  return { list, exp: lastMoment(list, now(), latest) }
}

/** Keeps a new grant. */
export function newGrant(
  { state }: Context,
  { agent, delegate }: Caller,
  o: { readonly asked: Asked; readonly sub: string | undefined; readonly scope: readonly string[] },
): Grant {
  const { asked, sub, scope } = o
  const txn = asked.upstream?.txn ?? randomUUID()
  const grant: Grant = { name: randomUUID(), agent, delegate, sub, scope, asked, txn, isEnded: false }
  state.grants.add(grant)
  return grant
}

/** Issues an auth token of a grant. @throws Refusal where its conditions do not hold */
export function tokenAnswer(
  context: Context,
  caller: Caller,
  o: { readonly grant: Grant; readonly scope?: readonly string[]; readonly upstream?: Upstream | undefined },
): { readonly auth_token: string; readonly expires_in: number } {
  const { grant, scope = grant.scope, upstream } = o
  const { asked } = grant
  const { list, exp } = termsOf(context, caller, { asked, scope, upstream })
  const { id, key, kid } = context
  const iat = context.now()
  const isForAgent = asked.resource === caller.agent
  const words = scope.filter(name => !isIdentityScope(name))
  const claims = {
    iss: id,
    aud: asked.resource,
    agent: isForAgent ? undefined : caller.agent,
    agent_delegate: caller.delegate,
    cnf: { jwk: caller.jwk },
    sub: grant.sub,
    scope: words.length > 0 ? words.join(' ') : undefined,
    name: scope.includes('profile') ? context.state.users.find(({ sub }) => sub === grant.sub)?.name : undefined,
    act: upstream?.act,
    purpose: asked.purpose,
    purposes: asked.purposes.length > 0 ? asked.purposes.join(' ') : undefined,
    constraints: list.length > 0 ? list : undefined,
    operation_digest: asked.operation?.digest,
    grant: grant.name,
    txn: grant.txn,
    iat,
    exp,
    jti: randomUUID(),
  }
  const auth_token = signToken({ header: { typ: 'auth+jwt', alg: key.alg, kid }, claims, key })
  if (auth_token.length > longestToken) throw badRequest('token_too_long', 'what is asked for makes the token too long')
  return { auth_token, expires_in: exp - iat }
}

/** The same, with a refresh token where the grant may have one. */
export function grantAnswer(context: Context, caller: Caller, grant: Grant): object {
  const { upstream, operation } = grant.asked
  const answer = tokenAnswer(context, caller, { grant, upstream })
  if (upstream !== undefined) return answer
  if (operation !== undefined) return answer
  const refresh_token = secret()
  context.state.refreshTokens.set(hashOf(refresh_token), { grant, usedAt: context.now() })
  return { ...answer, refresh_token }
}

/** Ends a grant, what came of it by exchange, the calls that are allowed under it, and the questions about more of them. */
export function endGrant(context: Context, grant: Grant): void {
  if (grant.isEnded) return
  grant.isEnded = true
  sendNotice(context, grant)
  const { requests, grants, remembered } = context.state
  const isUnderIt = (o: { agent: string; delegate: string | undefined; sub: string | undefined; resource: string }) =>
    o.sub === grant.sub &&
    o.agent === grant.agent &&
    o.delegate === grant.delegate &&
    o.resource === grant.asked.resource
  for (const one of grants) {
    if (one.asked.upstream?.grant === grant) endGrant(context, one)
    if (one.asked.operation !== undefined && isUnderIt({ ...one, resource: one.asked.resource })) endGrant(context, one)
  }
  for (const request of requests.values()) {
    const { caller, asked } = request
    if (asked.operation === undefined || request.given !== undefined) continue
    if (isUnderIt({ ...caller, sub: asked.sub, resource: asked.resource })) request.decision = { says: 'ended' }
  }
  for (const key of remembered.keys()) {
    const [sub, agent, delegate, resource] = JSON.parse(key) as string[]
    if (isUnderIt({ sub, agent: String(agent), delegate: delegate ?? undefined, resource: String(resource) }))
      remembered.delete(key)
  }
}

/** Takes a scope of a grant back: what is left continues under a new name, but not where that would begin a count anew. */
export function narrowGrant(context: Context, grant: Grant, taken: string): void {
  const { refreshTokens, grants } = context.state
  const { agent, delegate, scope, asked } = grant
  endGrant(context, grant)
  if (countsOfGrant(demandedOf(context.settings, { agent, delegate, resource: asked.resource, scope }))) return
  const name = randomUUID()
  const left: Grant = { ...grant, name, scope: scope.filter(name => name !== taken), isEnded: false }
  grants.add(left)
  for (const [hash, kept] of refreshTokens) if (kept.grant === grant) refreshTokens.set(hash, { ...kept, grant: left })
}

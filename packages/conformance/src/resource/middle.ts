import { randomUUID } from 'node:crypto'
import type { Trial } from '../case/trial.js'
import { type Caller, callerOf } from '../participants/caller.js'
import { type TokenRequest, tokenJson } from '../participants/desk.js'
import type { Reply, Visit } from '../participants/origin.js'
import { signDraft } from '../signing/draft.js'
import { authTokenDraft, readToken, resourceTokenDraft, signToken } from '../signing/token.js'
import { headerValue, jsonBody, type WireRequest } from '../wire/message.js'
import { draftFor, holder, type ResourceStage, specialRoute } from './stage.js'

type Jwk = Readonly<Record<string, string>>

/** The resource under test as one that calls another, and what it sent. */
export interface Middle {
  /** Signed requests to the resource behind it. */
  readonly visits: Visit[]
  /** Requests to the token endpoint of the auth server. */
  readonly exchanges: Array<TokenRequest & { readonly caller: Caller | undefined }>
  /** What its agent metadata say. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly keys: ReadonlyMap<string, Jwk>
}

/** What the participants behind it answer where that is unusual. */
export interface Behind {
  /** Answers an exchange in place of a token. */
  readonly exchange?: (request: TokenRequest, grant: (upstream?: string) => Reply) => Reply
  /** Answers a request that shows the exchanged token; default it is done. */
  readonly answer?: () => Reply
}

const json = (status: number, headers: Readonly<Record<string, string>>, body: object): Reply => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
})
const asks = (agentAuth: string): Reply =>
  json(
    401,
    { 'agent-auth': agentAuth },
    { error: 'insufficient_level', reason: 'level_insufficient', error_description: 'a test' },
  )

/** Sets what stands behind the resource under test. */
export async function openMiddle(trial: Trial, stage: ResourceStage, behind: Behind = {}): Promise<Middle> {
  const metadata = await documentOf(trial, stage, '/.well-known/aauth-agent')
  const keys = await keysAt(trial, stage, metadata['jwks_uri'])
  const middle: Middle = { visits: [], exchanges: [], metadata, keys }
  const { downstream, authServer } = stage
  const whoIs = (visit: Visit, id: string): Promise<Caller | undefined> =>
    callerOf(visit, { authority: new URL(id).host, identity: stage.id, keys: async () => keys })
  downstream.origin.answer('/', async visit => {
    if (headerValue(visit, 'signature-key') === undefined) return asks('httpsig')
    middle.visits.push(visit)
    const caller = await whoIs(visit, downstream.id)
    if (caller?.token !== undefined) return behind.answer?.() ?? json(200, {}, { done: true })
    if (caller?.agent === undefined) return asks('httpsig; identity=?1')
    const about = { aud: authServer.id, agent: stage.id, jkt: caller.agent.jkt, scope: 'conformance.read' }
    const token = signToken(resourceTokenDraft(downstream, { ...about, now: stage.now() }))
    return asks(`httpsig; auth-token; resource_token="${token}"; auth_server="${authServer.id}"`)
  })
  authServer.origin.answer('/agent/token', async visit => {
    const form = Object.fromEntries(new URLSearchParams(visit.body.toString('utf8')))
    const caller = await whoIs(visit, authServer.id)
    middle.exchanges.push({ form, visit, caller })
    const grant = (from = form['upstream_token']): Reply => grantTo(stage, caller, from)
    return behind.exchange?.({ form, visit }, grant) ?? grant()
  })
  return middle
}

/** The exchanged token: it is for the middle, ends with the upstream one, and says through whom it came. */
function grantTo(stage: ResourceStage, caller: Caller | undefined, upstream = ''): Reply {
  const claims = readToken(upstream)?.claims ?? {}
  const jwk = caller?.agent?.jwk
  if (jwk === undefined) return tokenJson({ error: 'invalid_request', reason: 'x', error_description: 'a test' }, 400)
  const about = { aud: stage.downstream.id, agent: stage.id, key: { jwk }, scope: 'conformance.read', sub: 'user-1' }
  const draft = authTokenDraft(stage.authServer, { ...about, now: stage.now() })
  const act = { iss: claims['iss'], agent: claims['agent'] }
  return tokenJson({ auth_token: signToken({ ...draft, claims: { ...draft.claims, act } }), expires_in: 600 })
}

/** The keys that the resource under test publishes at a URL of its own, by their `kid`. */
export async function keysAt(trial: Trial, stage: ResourceStage, uri: unknown): Promise<ReadonlyMap<string, Jwk>> {
  const { keys } = await documentOf(trial, stage, URL.canParse(String(uri)) ? new URL(String(uri)).pathname : '/')
  return new Map((Array.isArray(keys) ? (keys as Jwk[]) : []).map(key => [String(key['kid']), key]))
}

async function documentOf(
  trial: Trial,
  stage: ResourceStage,
  target: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { response } = await trial.sent(target, {
    method: 'GET',
    target,
    headers: [['host', stage.authority]],
    body: Buffer.alloc(0),
  })
  return (response === undefined ? undefined : jsonBody(response)) ?? {}
}

/** A user of the agent, with one auth token. */
export interface Upstream {
  /** Makes a request to the route whose handler calls another resource. */
  request(code?: string): WireRequest
  readonly token: string
}

/**
 * A caller of the middle with a token of its own.
 * @param claims of it; default a user whom no other case has
 * @param kind of the route that it calls
 */
export function upstream(
  stage: ResourceStage,
  claims: Readonly<Record<string, unknown>> = {},
  kind: 'calls' | 'oauth' = 'calls',
): Upstream {
  const route = specialRoute(stage, kind, { level: 'authorized', method: 'GET' })
  const caller = holder(stage, route, draft => ({
    ...draft,
    claims: { ...draft.claims, sub: `user-${randomUUID()}`, ...claims },
  }))
  return {
    token: /jwt="([^"]*)"/.exec(caller.keyMember)?.[1] ?? '',
    request(code) {
      const right = draftFor(stage, route, caller)
      if (code === undefined) return signDraft(right)
      const headers = [...right.headers, ['agent-interaction', `"${code}"`] as const]
      const components = ['"@method"', '"@authority"', '"@path"', '"signature-key"', '"agent-interaction"']
      return signDraft({ ...right, headers, components })
    },
  }
}

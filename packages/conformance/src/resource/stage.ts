import { randomBytes } from 'node:crypto'
import type { Random } from '../case/random.js'
import type { ResourceConfiguration } from '../config/resource-configuration.js'
import type { Level, Route, SpecialRoute } from '../config/route.js'
import { type MoreMembers, openParticipant, type Participant } from '../participants/participant.js'
import type { Draft } from '../signing/draft.js'
import { makeKey, type TestAlgorithm, type TestKey } from '../signing/key.js'
import { agentTokenDraft, authTokenDraft, signToken, type TokenDraft } from '../signing/token.js'

/** Who signs a request, and how its key is named. */
export interface Signer {
  readonly key: TestKey
  /** The one member of `Signature-Key`, as text. */
  readonly keyMember: string
}

/** Changes a token before it is signed. */
export type TokenChange = (draft: TokenDraft) => TokenDraft

/** The resource under test, and the participants around it. */
export interface ResourceStage {
  readonly configuration: ResourceConfiguration
  /** Identifier of the resource. */
  readonly id: string
  readonly authority: string
  readonly scheme: 'http' | 'https'
  /** Published metadata of the resource; undefined where there is none. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  readonly random: Random
  /** Whether cases may wait for half a minute. */
  readonly slow: boolean
  readonly agent: Participant
  readonly otherAgent: Participant
  readonly authServer: Participant
  readonly otherAuthServer: Participant
  /** A resource that the one under test may call for its callers. */
  readonly downstream: Participant
  /** An OAuth server, and the API that takes its tokens; undefined where no route calls it. */
  readonly oauthServer: Participant | undefined
  /** Opens a participant that only one case needs. */
  open(members?: MoreMembers): Promise<Participant>
  now(): number
}

/** Opens the participants around a resource. */
export async function openResourceStage(o: {
  readonly configuration: ResourceConfiguration
  readonly url: URL
  readonly random: Random
  readonly slow: boolean
}): Promise<{ stage: Omit<ResourceStage, 'metadata'>; close: () => Promise<void> }> {
  const { configuration, url, random, slow } = o
  const { agentServer, otherAgentServer, authServer, otherAuthServer, downstream, oauthServer } =
    configuration.participants
  const opened: Participant[] = []
  const keep = async (opening: Promise<Participant>): Promise<Participant> => {
    const participant = await opening
    opened.push(participant)
    return participant
  }
  const agentOf: MoreMembers = id => ({ redirect_uris: [`${id}/callback`], name: 'Conformance suite' })
  const issuerOf: MoreMembers = id => ({
    agent_token_endpoint: `${id}/agent/token`,
    agent_auth_endpoint: `${id}/agent/auth`,
    request_types_supported: ['auth', 'code', 'refresh', 'exchange'],
    agent_signing_algs_supported: ['Ed25519', 'ES256'],
  })
  const resourceOf: MoreMembers = () => ({ supported_scopes: ['conformance.read'] })
  const close = async (): Promise<void> => void (await Promise.all(opened.map(({ origin }) => origin.close())))
  try {
    const id = configuration.id ?? url.origin
    const { host, protocol } = new URL(id)
    const stage = {
      configuration,
      id,
      authority: host,
      scheme: protocol === 'https:' ? ('https' as const) : ('http' as const),
      random,
      slow,
      agent: await keep(openParticipant({ place: agentServer, roles: { 'aauth-agent': agentOf } })),
      otherAgent: await keep(openParticipant({ place: otherAgentServer, roles: { 'aauth-agent': agentOf } })),
      // It tells resources of ended grants, and signs that as an agent.
      authServer: await keep(
        openParticipant({ place: authServer, roles: { 'aauth-issuer': issuerOf, 'aauth-agent': agentOf } }),
      ),
      otherAuthServer: await keep(openParticipant({ place: otherAuthServer, roles: { 'aauth-issuer': issuerOf } })),
      downstream: await keep(openParticipant({ place: downstream, roles: { 'aauth-resource': resourceOf } })),
      oauthServer: configuration.routes.some(({ special }) => special.oauth === true)
        ? await keep(openParticipant({ place: oauthServer, roles: {} }))
        : undefined,
      open: (members: MoreMembers = agentOf) => keep(openParticipant({ roles: { 'aauth-agent': members } })),
      now: () => Math.floor(Date.now() / 1000),
    }
    return { stage, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The first route of a level and method; undefined where the resource has none. */
export function findRoute(stage: ResourceStage, level: Level, method = 'GET'): Route | undefined {
  return stage.configuration.routes.find(
    route => route.level === level && route.method === method && Object.keys(route.special).length === 0,
  )
}

/** The first route that is special so; undefined where the resource has none. */
export function findSpecial(
  stage: Pick<ResourceStage, 'configuration'>,
  name: keyof SpecialRoute,
  about: { readonly level?: Level; readonly method?: string } = {},
): Route | undefined {
  return stage.configuration.routes.find(
    ({ level, method, special }) =>
      special[name] !== undefined && level === (about.level ?? level) && method === (about.method ?? method),
  )
}

/** @throws TypeError where the case has not said that it needs such a route */
export function specialRoute(...[stage, name, about]: Parameters<typeof findSpecial>): Route {
  const found = findSpecial(stage, name, about)
  if (found === undefined) throw new TypeError(`the case needs a route with ${name}`)
  return found
}

/** @throws TypeError where the case has not said that it needs such a route */
export function routeOf(stage: ResourceStage, level: Level, method = 'GET'): Route {
  const found = findRoute(stage, level, method)
  if (found === undefined) throw new TypeError(`the case needs a route: ${level} ${method}`)
  return found
}

const signedLevels = ['pseudonymous', 'identified', 'authorized'] as const

/** The route of the lowest level that needs a signature. */
export function lowestRoute(stage: ResourceStage, method = 'GET'): Route {
  const level = signedLevels.find(one => findRoute(stage, one, method) !== undefined)
  return routeOf(stage, level ?? 'pseudonymous', method)
}

/** A caller of the level that a route asks for. */
export function callerFor(stage: ResourceStage, route: Route): Signer {
  if (route.level === 'authorized') return holder(stage, route)
  return route.level === 'identified' ? byPublishedKey(stage.agent) : pseudonym()
}

/** A caller that shows a key, and no identity. */
export function pseudonym(alg: TestAlgorithm = 'Ed25519', key: TestKey = makeKey(alg)): Signer {
  return { key, keyMember: inlineKey(key.jwk) }
}

/** A key in `Signature-Key`. */
export function inlineKey(jwk: Readonly<Record<string, string>>): string {
  // `alg` first, as agents write it.
  const all = Object.entries(jwk).toSorted(([one], [other]) => Number(other === 'alg') - Number(one === 'alg'))
  return `hwk${all.map(([name, value]) => `;${name}="${value}"`).join('')}`
}

/** An agent that signs with a key that it publishes. */
export function byPublishedKey(agent: Participant): Signer {
  return { key: agent.key, keyMember: publishedKeyMember({ id: agent.id, kid: agent.kid }) }
}

/** The scheme `jwks_uri`. */
export function publishedKeyMember(members: Readonly<Record<string, string>>): string {
  const all = Object.entries({ dwk: 'aauth-agent', ...members })
  return `jwks_uri${all.map(([name, value]) => `;${name}="${value}"`).join('')}`
}

/** A token in `Signature-Key`. */
export function tokenMember(token: string): string {
  return `jwt;jwt="${token}"`
}

/** A delegate of the agent, by its agent token. */
export function delegate(stage: ResourceStage, change: TokenChange = draft => draft, key: TestKey = makeKey()): Signer {
  return delegateOf(stage, stage.agent, { change, key })
}

/** A delegate of any participant that publishes itself as an agent. */
export function delegateOf(
  stage: ResourceStage,
  issuer: Participant,
  o: { readonly change?: TokenChange; readonly key?: TestKey } = {},
): Signer {
  const { change = draft => draft, key = makeKey() } = o
  const draft = agentTokenDraft(issuer, { sub: 'delegate-1', key, now: stage.now() })
  return { key, keyMember: tokenMember(signToken(change(draft))) }
}

/** The agent itself, with an auth token that lets it use a route. */
export function holder(stage: ResourceStage, route: Route, change: TokenChange = draft => draft): Signer {
  const { agent } = stage
  const draft = authTokenDraft(stage.authServer, {
    aud: stage.id,
    agent: agent.id,
    key: agent.key,
    scope: route.scope,
    sub: 'user-1',
    now: stage.now(),
  })
  return { key: agent.key, keyMember: tokenMember(signToken(change(draft))) }
}

/** A request for a route, right in everything. */
export function draftFor(stage: ResourceStage, route: Route, caller: Signer = callerFor(stage, route)): Draft {
  const hasBody = route.method !== 'GET' && route.method !== 'HEAD' && route.method !== 'DELETE'
  return {
    method: route.method,
    target: route.target,
    authority: stage.authority,
    scheme: stage.scheme,
    headers: [['host', stage.authority], ...(hasBody ? [['content-type', route.contentType] as const] : [])],
    body: hasBody ? Buffer.from(route.body) : Buffer.alloc(0),
    key: caller.key,
    keyMember: caller.keyMember,
    label: 'sig',
    parameters: parametersAt(stage.now()),
  }
}

/** The parameters that agents write: when it was signed, and what makes it unlike every other. */
export function parametersAt(created: number): string {
  return `;created=${created};nonce="${nonce()}"`
}

/** A nonce as agents write it. */
export function nonce(): string {
  return randomBytes(16).toString('base64url')
}

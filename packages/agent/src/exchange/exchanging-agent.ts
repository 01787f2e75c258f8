import type { Directory } from '@countersign/discovery'
import { randomText, textHash } from '@countersign/httpsig/internal'
import { type IdentifierList, type PublishedKey, serializeAgentInteraction } from '@countersign/protocol'
import {
  type BoundedMap,
  boundedMap,
  checkOptions,
  identifiersCheck,
  type OptionChecks,
  restriction,
} from '@countersign/protocol/internal'
import { agentParts } from '../agent.js'
import { originMemory } from '../fetch/origin-memory.js'
import type { AgentRequestInit } from '../fetch/outgoing.js'
import { canonicalScope, type Grant, type Grants, openGrants } from '../grant/grants.js'
import type { UserInteraction } from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import { agentServer } from '../identity/identity.js'
import { checkOperation } from '../interact/check-operation.js'
import { addReturn, requestConsent } from '../interact/consent-request.js'
import { memoryState } from '../state/state.js'
import { type AgentParts, openView, type View, viewContext } from '../view.js'

/** The auth token of an incoming request, which is exchanged for the tokens that the calls of that request need. */
export interface Upstream {
  readonly token: string
  /** The end of the token, in Unix seconds. */
  readonly exp: number
  /** Names the grant of the token, where it can be revoked. */
  readonly grant?: string
  /** The purpose in the token, passed on to the next auth server. */
  readonly purpose?: string
}

/** An auth server must ask the user. */
export interface PendingConsent {
  readonly kind: 'consent'
  readonly issuer: string
  readonly resource: string
  readonly scope: string
  readonly requestToken: string
  /** 256 random bits that come back in the callback. */
  readonly state: string
  /** Where the user decides, with `redirect_uri` and `state`. */
  readonly url: string
  readonly purposes?: string
  /** The digest of the one request that the user is asked to approve. @see protocol §9.4 */
  readonly digest?: string
}

/** The next resource must ask its user. */
export interface PendingPage {
  readonly kind: 'page'
  readonly resource: string
  readonly state: string
  /** Where the user is asked, with `return_url` and `state`. */
  readonly url: string
}

/** A question to the user, before a call can go on. A JSON value, so that it can be stored anywhere. */
export type Pending = PendingConsent | PendingPage

/** The result of a user's answer: a grant of an auth server, or the interaction code for the next resource. */
export type Exchanged = { readonly grant: Grant } | { readonly resource: string; readonly code: string }

/** Options of {@link exchangingAgent}. */
export interface ExchangingAgentOptions<U extends Upstream> {
  /** The identifier of the resource. */
  readonly id: string
  /** One of its published keys. */
  readonly key: PublishedKey
  readonly acceptAuthServer: IdentifierList
  readonly identifyTo: IdentifierList
  /** Where auth servers send browsers back to: one of the resource's own `redirect_uris`. */
  readonly redirectUri: string
  readonly discovery: Directory
  readonly fetch?: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly development: boolean
  /** Called when a user is needed; rejects with the error that ends the call. */
  readonly suspend: (pending: Pending, upstream: U) => Promise<never>
}

/** The agent of a resource that calls other resources. */
export interface ExchangingAgent<U extends Upstream> {
  /**
   * `agent.fetch` on behalf of one incoming request, whose token is exchanged for the tokens that are needed.
   * @throws AgentError, also when another agent would give up and return the challenge; the rejection of `suspend`
   */
  fetch(upstream: U, input: string | URL | Request, init?: AgentRequestInit): Promise<Response>
  /** Redeems a code for the grant that the user agreed to. @throws AgentError */
  redeem(pending: PendingConsent, code: string): Promise<Exchanged>
  /** Lets calls under a token use the result of a user's answer. */
  resume(upstream: U, answer: Exchanged): Promise<void>
  /** Drops what was exchanged for tokens of a grant that has ended. */
  forget(grant: string): void
}

interface Hop {
  readonly grant: string | undefined
  readonly view: View
  readonly grants: Grants
  /** By resource. */
  readonly codes: BoundedMap<string, string>
  readonly exp: number
}

/** The largest body of a request, in bytes. */
const bodyLimit = 1_048_576

/** The longest purpose, in characters, that every auth server accepts. */
const longestPurpose = 1024

/** Upstream tokens whose grants are held in memory. */
const capacity = 1000

const known = restriction(identifiersCheck)
const exchangingAgentChecks: OptionChecks<ExchangingAgentOptions<Upstream>> = {
  id: 'string',
  key: 'object',
  acceptAuthServer: known,
  identifyTo: known,
  redirectUri: 'string',
  discovery: 'object',
  fetch: 'function',
  now: 'function',
  sleep: 'function',
  development: 'boolean',
  suspend: 'function',
}

/**
 * Creates the agent of a resource, which acts only on behalf of requests it was called with.
 * Its grants are in memory, by the hash of the upstream token, and serve calls under that token only.
 * @see protocol §7
 */
export function exchangingAgent<U extends Upstream>(options: ExchangingAgentOptions<U>): ExchangingAgent<U> {
  checkOptions('exchangingAgent', options, exchangingAgentChecks)
  const { id, key, redirectUri, suspend, ...rest } = options
  const parts: AgentParts = {
    ...agentParts({ ...rest, identity: agentServer({ id, ...key }) }, bodyLimit),
    // Every error is thrown: the resource maps errors to responses, and a challenge of the next resource is not for its caller.
    reasonToGiveUp: () => undefined,
  }
  const { credentials, now } = parts
  // Shared by all upstream tokens: which level works where is no secret.
  const memory = originMemory()
  // bound: one call
  const hops = boundedMap<string, Hop>(capacity)
  const openHop = (upstream: U): Hop => {
    const state = memoryState()
    // bound: one call
    const [grants, codes] = [openGrants(state), boundedMap<string, string>(64)]
    const userInteraction = exchangeInteraction(
      { redirectUri, suspend, codes, development: parts.development },
      upstream,
    )
    const view = openView({ ...viewContext({ ...parts, state, userInteraction }, undefined, grants), memory })
    return { view, grants, codes, exp: upstream.exp, grant: upstream.grant }
  }
  const findHop = async (upstream: U): Promise<Hop> => {
    const hash = await textHash(upstream.token)
    const known = hops.get(hash)
    const hop = known !== undefined && known.exp > now() ? known : openHop(upstream)
    hops.set(hash, hop)
    return hop
  }
  return {
    fetch: async (upstream, input, init) => (await findHop(upstream)).view.fetch(input, init),
    async redeem({ issuer, resource, scope, purposes, digest, requestToken: request_token }, code) {
      const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token }
      const operation = digest === undefined ? undefined : { digest }
      const asked = { issuer, resource, scope: scope.split(' '), purposes, operation }
      // Not stored here: `resume` stores the grant under its upstream token.
      const grants = { keep: async () => undefined }
      return { grant: await redeemCode(asked, form, { tell: () => undefined, redemption: { ...parts, grants } }) }
    },
    async resume(upstream, answer) {
      const { grants, codes } = await findHop(upstream)
      if ('code' in answer) codes.set(answer.resource, answer.code)
      else await grants.keep(await credentials.current(() => undefined), answer.grant)
    },
    forget(grant) {
      hops.deleteWhere(hop => hop.grant === grant)
    },
  }
}

/** Asks users by ending the call: the browser is with the caller of the resource, and comes back to the resource later. */
function exchangeInteraction<U extends Upstream>(
  {
    redirectUri: redirect_uri,
    suspend,
    codes,
    development,
  }: Pick<ExchangingAgentOptions<U>, 'redirectUri' | 'suspend' | 'development'> & Pick<Hop, 'codes'>,
  upstream: U,
): UserInteraction {
  return {
    checkOperation,
    async obtainGrant(interaction) {
      const state = randomText()
      const { token: upstream_token, purpose } = upstream
      // Left out when it is too long: the next auth server would refuse the request.
      const why = purpose === undefined || purpose.length > longestPurpose ? {} : { purpose }
      const form = { request_type: 'exchange', upstream_token, redirect_uri, state, ...why }
      const consent = await requestConsent(interaction, form, { development })
      if ('authToken' in consent) return consent
      const { issuer, resource, scope, purposes, operation } = interaction.asked
      const { url, requestToken } = consent
      const more = { ...(purposes && { purposes }), ...(operation && { digest: operation.digest }) }
      const what = { issuer, resource, scope: canonicalScope(scope), requestToken, state, url, ...more }
      return suspend({ kind: 'consent', ...what }, upstream)
    },
    async interactionCode({ resource, page }) {
      const code = codes.get(resource)
      codes.delete(resource)
      if (code !== undefined) return serializeAgentInteraction(code)
      if (page === undefined) return undefined
      const state = randomText()
      const url = addReturn(page, { return_url: redirect_uri, state })
      return suspend({ kind: 'page', resource, url, state }, upstream)
    },
  }
}

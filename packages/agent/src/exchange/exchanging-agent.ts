import type { Directory } from '@countersign/discovery'
import { randomText, textHash } from '@countersign/httpsig'
import {
  type BoundedMap,
  boundedMap,
  checkOptions,
  type IdentifierList,
  identifiersCheck,
  type PublishedKey,
  restriction,
  serializeAgentInteraction,
} from '@countersign/protocol'
import { agentParts } from '../agent.js'
import { originMemory } from '../fetch/origin-memory.js'
import { canonicalScope, type Grant, type Grants, openGrants } from '../grant/grants.js'
import type { UserInteraction } from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import { agentServer } from '../identity/identity.js'
import { addReturn, requestConsent } from '../interact/consent-request.js'
import { memoryState } from '../state/state.js'
import { type AgentParts, openView, type View, viewContext } from '../view.js'

/** The auth token that a request came with: what it allowed is exchanged for what is needed next. */
export interface Upstream {
  readonly token: string
  /** Its end, in Unix seconds. */
  readonly exp: number
  /** What it is for, as it says itself; told to whoever decides next. */
  readonly purpose?: string
}

/** An auth server must ask the user. */
export interface PendingConsent {
  readonly kind: 'consent'
  readonly issuer: string
  readonly resource: string
  readonly scope: string
  readonly requestToken: string
  /** 256 bits that come back in the callback. */
  readonly state: string
  /** Where the user decides; `redirect_uri` and `state` are in it. */
  readonly url: string
}

/** The next resource must ask its user. */
export interface PendingPage {
  readonly kind: 'page'
  readonly resource: string
  readonly state: string
  /** Where; `return_url` and `state` are in it. */
  readonly url: string
}

/** What a user must be asked before a call can go on. Values of JSON, so that they can be kept anywhere. */
export type Pending = PendingConsent | PendingPage

/** What a user's answer came to: a grant of an auth server, or the code with which the next resource goes on. */
export type Exchanged = { readonly grant: Grant } | { readonly resource: string; readonly code: string }

/** What a resource that calls others is made of, as an agent. */
export interface ExchangingAgentOptions<U extends Upstream> {
  /** Its identifier. */
  readonly id: string
  /** One of its published keys. */
  readonly key: PublishedKey
  readonly acceptAuthServer: IdentifierList
  readonly identifyTo: IdentifierList
  /** Where auth servers send browsers back to: one of its own `redirect_uris`. */
  readonly redirectUri: string
  readonly discovery: Directory
  readonly fetch?: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly development: boolean
  /** Told that a user is needed; rejects with what the call ends with. */
  readonly suspend: (pending: Pending, upstream: U) => Promise<never>
}

/** A resource as the agent it is for those it calls. */
export interface ExchangingAgent<U extends Upstream> {
  /**
   * `agent.fetch` for one request: what an auth server must allow is asked for by exchanging the token that came with it.
   * @throws AgentError, also where another agent would give up and return the challenge; what `suspend` rejects with
   */
  fetch(upstream: U, input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Trades a code for what the user agreed to. @throws AgentError */
  redeem(pending: PendingConsent, code: string): Promise<Exchanged>
  /** Lets calls under a token use what a user's answer came to. */
  resume(upstream: U, answer: Exchanged): Promise<void>
}

interface Hop {
  readonly view: View
  readonly grants: Grants
  /** By resource. */
  readonly codes: BoundedMap<string, string>
  readonly exp: number
}

/** Bytes of a request that is made for another. */
const bodyLimit = 1_048_576

/** Characters that every auth server takes. */
const longestPurpose = 1024

/** Upstream tokens whose exchanges are kept. */
const capacity = 1000

/**
 * The agent that a resource is, which acts only for requests it was called with.
 * What it was given is kept by the hash of the upstream token, in memory, and is used for nothing wider.
 * @see protocol §7
 */
export function exchangingAgent<U extends Upstream>(options: ExchangingAgentOptions<U>): ExchangingAgent<U> {
  const known = restriction(identifiersCheck)
  checkOptions('exchangingAgent', options, {
    ...{ id: 'string', key: 'object', acceptAuthServer: known, identifyTo: known },
    ...{ redirectUri: 'string', discovery: 'object', fetch: 'function', now: 'function', sleep: 'function' },
    ...{ development: 'boolean', suspend: 'function' },
  })
  const { id, key, redirectUri, suspend, ...rest } = options
  const parts: AgentParts = {
    ...agentParts({ ...rest, identity: agentServer({ id, ...key }) }, bodyLimit),
    // Its caller has its own answer for each error; the challenge in hand is none for whoever called the resource.
    reasonToGiveUp: () => undefined,
  }
  const { credentials, now } = parts
  // Which level works where is nobody's secret.
  const memory = originMemory()
  const hops = boundedMap<string, Hop>(capacity)
  const openHop = (upstream: U): Hop => {
    const state = memoryState()
    const [grants, codes] = [openGrants(state), boundedMap<string, string>(64)]
    const userInteraction = exchangeInteraction(
      { redirectUri, suspend, codes, development: parts.development },
      upstream,
    )
    const view = openView({ ...viewContext({ ...parts, state, userInteraction }, undefined, grants), memory })
    return { view, grants, codes, exp: upstream.exp }
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
    async redeem({ issuer, resource, scope, requestToken: request_token }, code) {
      const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token }
      const asked = { issuer, resource, scope: scope.split(' ') }
      // Kept by whoever asked, for the one it was asked for.
      const grants = { keep: async () => undefined }
      return { grant: await redeemCode(asked, form, { tell: () => undefined, redemption: { ...parts, grants } }) }
    },
    async resume(upstream, answer) {
      const { grants, codes } = await findHop(upstream)
      if ('code' in answer) codes.set(answer.resource, answer.code)
      else await grants.keep(await credentials.current(() => undefined), answer.grant)
    },
  }
}

/** What a user must decide ends the call: the browser is with whoever called, and comes back on its own way. */
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
    async obtainGrant(interaction) {
      const state = randomText()
      const { token: upstream_token, purpose } = upstream
      // One that is too long for the next auth server must not keep it from answering.
      const why = purpose === undefined || purpose.length > longestPurpose ? {} : { purpose }
      const form = { request_type: 'exchange', upstream_token, redirect_uri, state, ...why }
      const consent = await requestConsent(interaction, form, { development })
      if ('authToken' in consent) return consent
      const { issuer, resource, scope } = interaction.asked
      const { url, requestToken } = consent
      const what = { issuer, resource, scope: canonicalScope(scope), requestToken, state, url }
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

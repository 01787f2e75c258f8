import { type BrowserSignIn, browserSignIn } from '@countersign/agent/internal'
import type { Discovery } from '@countersign/discovery'
import { randomText } from '@countersign/httpsig/internal'
import { AAuthError, type PublishedKey } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { callbackPath } from '../guard/metadata.js'
import type { OAuthApi, OAuthOwner, OAuthTokens, PendingOAuth } from '../oauth/oauth.js'
import { away } from './refusal.js'

/** How a resource reaches APIs behind OAuth for its users. */
export interface OAuthOptions {
  /** Made by `oauthApi` of `@countersign/resource/oauth`. */
  readonly apis: readonly OAuthApi[]
  /** Made by `oauthTokens` of `@countersign/resource/oauth`. */
  readonly tokens: OAuthTokens
}

/** What the OAuth side of a resource works with. */
export interface OAuthContext {
  readonly id: string
  readonly key: PublishedKey
  readonly discovery: Discovery
  readonly fetch?: typeof fetch
  readonly now: () => number
  readonly development: boolean
}

/** What a browser that came back leads to. */
export type OAuthAnswer = 'done' | 'denied' | PendingOAuth

/** A resource as it reaches APIs behind OAuth. */
export interface OAuthDownstream {
  /** Where providers send browsers back to, one path for each: the answer of one is never taken for another's (mix-up). */
  readonly callbackPaths: readonly string[]
  /** Calls an API with the owner's token; `ask` is told when the user must go somewhere first, and `begin` says where. */
  fetch(
    call: { readonly api: OAuthApi; readonly owner: OAuthOwner; readonly request: Request },
    ask: (begin: () => Promise<PendingOAuth>) => Promise<never>,
  ): Promise<Response>
  /**
   * Takes what a browser brought back.
   * @throws AAuthError, shown as a page
   */
  answer(pending: PendingOAuth, query: ReadonlyMap<string, string>, target: string): Promise<OAuthAnswer>
}

/**
 * Makes the OAuth side of a resource.
 * @throws TypeError when two APIs share an id
 * @see protocol §7
 */
export function oauthDownstream({ apis, tokens }: OAuthOptions, context: OAuthContext): OAuthDownstream {
  if (new Set(apis.map(({ id }) => id)).size < apis.length) throw new TypeError('two OAuth APIs have the same id')
  const { id, key, discovery, now, development, fetch: given } = context
  const send: typeof fetch = given ?? ((input, init) => globalThis.fetch(input, init))
  // Not by `send`, where nothing is given: the platform's fetch would reach wherever a token endpoint's name leads.
  const signIn = browserSignIn({
    id,
    key,
    discovery,
    now,
    development,
    redirectUri: `${id}${callbackPath}`,
    ...(given === undefined ? {} : { fetch: given }),
  })
  const known = (name: string): OAuthApi => {
    const api = apis.find(one => one.id === name)
    if (api === undefined) throw new TypeError('this OAuth API is not among those of the option oauth')
    return api
  }
  return {
    callbackPaths: apis.map(api => oauthCallbackPath(api)),
    async fetch({ api, owner, request }, ask) {
      known(api.id)
      // A bearer token works for everyone who gets it.
      if (!api.origins.includes(new URL(request.url).origin))
        throw new TypeError('the URL is on none of the origins of this OAuth API')
      const body = request.body === null ? undefined : await request.arrayBuffer()
      const needsUser = (): Promise<never> => ask(() => toSignIn(api, owner, signIn))
      const token = await tokens.accessToken(api, owner)
      if (token === undefined) return needsUser()
      const response = await called(send, request, { body, token })
      if (response.status !== 401) return response
      // Unread, it would hold its connection.
      await response.body?.cancel()
      const renewed = await tokens.renew(api, owner, token)
      if (renewed === undefined) return needsUser()
      return called(send, request, { body, token: renewed })
    },
    answer(pending, query, target) {
      if (query.get('error') === 'access_denied') return Promise.resolve('denied')
      const api = known(pending.api)
      const at = { id, api, tokens, signIn }
      return inUsersWords<OAuthAnswer>(
        pending.kind === 'sign-in' ? signedIn(pending, target, at) : agreed(pending, target, at),
      )
    },
  }
}

/** Where one provider sends browsers back to. */
function oauthCallbackPath({ id }: Pick<OAuthApi, 'id'>): string {
  return `${callbackPath}/${id}`
}

/**
 * The provider does not know the user of the request, so the user signs in at the issuer of the token first. Otherwise an agent
 * could send its link to another user, and that user's account at the provider would be tied to the agent's own user.
 */
async function toSignIn(api: OAuthApi, owner: OAuthOwner, signIn: BrowserSignIn): Promise<PendingOAuth> {
  const { url, state, saved } = await signIn.begin(owner.user.iss)
  return { kind: 'sign-in', api: api.id, owner, state, url, saved }
}

interface At {
  readonly id: string
  readonly api: OAuthApi
  readonly tokens: OAuthTokens
  readonly signIn: BrowserSignIn
}

async function signedIn(
  { owner, saved }: PendingOAuth,
  target: string,
  { id, api, signIn }: At,
): Promise<PendingOAuth> {
  const user = await signIn.finish(owner.user.iss, { url: `${id}${target}`, saved })
  if (user.iss !== owner.user.iss || user.sub !== owner.user.sub) throw refusal('user_mismatched')
  const state = randomText()
  const begun = await api.begin({ redirectUri: `${id}${oauthCallbackPath(api)}`, state })
  return { kind: 'oauth', api: api.id, owner, state, url: begun.url, saved: JSON.stringify(begun.saved) }
}

async function agreed({ owner, state, saved }: PendingOAuth, target: string, { id, api, tokens }: At): Promise<'done'> {
  const set = await api.finish({ url: `${id}${target}`, state, saved: JSON.parse(saved) as Record<string, string> })
  await tokens.keep(api, owner, set)
  return 'done'
}

/** Texts of pages: the user has been at the provider, and wants to know the result. Reasons go to callers and logs. */
async function inUsersWords<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (!(cause instanceof AAuthError)) throw cause
    const { code, retryAfter } = cause
    if (code === 'temporarily_unavailable') {
      const seconds = retryAfter === undefined ? {} : { retryAfter }
      throw refusal('dependency_unavailable', { about: 'the sign-in of the user', ...seconds, cause })
    }
    if (code !== 'access_denied' || cause.reason === 'user_mismatched') throw cause
    throw refusal('downstream_refused', { about: 'the user was not confirmed', cause })
  }
}

/** Redirects are the handler's to follow, or not: the token goes nowhere by itself. */
async function called(
  send: typeof fetch,
  request: Request,
  { body, token }: { readonly body: ArrayBuffer | undefined; readonly token: string },
): Promise<Response> {
  const headers = new Headers(request.headers)
  headers.set('authorization', `Bearer ${token}`)
  try {
    return await send(request.url, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: request.signal,
      ...(body === undefined ? {} : { body }),
    })
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    throw away(error)
  }
}

import type { Upstream } from '../exchange/upstream-token.js'
import type { RequestRow } from '../tables/tables.js'

/** What every request has, whatever it asks for and however it is answered. */
type Common = Omit<
  RequestRow,
  'redirect_uri' | 'state' | 'user_code' | 'answer' | 'operation' | 'upstream' | 'upstream_user'
>

/** The upstream token of a request. Without a user it would be refused: nobody could be asked. */
type UpstreamOfUser = Upstream & { readonly sub: string }

/** The agent opens a link in the user's browser, which brings the answer back. */
interface ByBrowser {
  readonly way: 'browser'
  readonly redirect_uri: string
  readonly state: string | null
}

/** The user types a code that the device shows, and the agent polls. */
interface ByDevice {
  readonly way: 'device'
  readonly user_code: string
}

/** The user answers in their account, and the agent polls. */
interface ByInbox {
  readonly way: 'inbox'
}

interface OfAccess extends Common {
  readonly kind: 'access'
}

/** The approval of a single call. */
interface OfCall extends Common {
  readonly kind: 'call'
  /** The question in `auth_server_approvals`. */
  readonly operation: string
  /** Of a call that is made in an exchange. */
  readonly upstream: UpstreamOfUser | undefined
}

interface OfExchange extends Common {
  readonly kind: 'exchange'
  readonly upstream: UpstreamOfUser
  /** The user here who has just proven, in this browser, to be the upstream user. */
  readonly upstream_user: string | null
}

/** A request as it is stored: what it asks for is its kind, how its user is asked and its agent answered its way. */
export type StoredRequest =
  | (OfAccess & (ByBrowser | ByDevice))
  | (OfCall & (ByBrowser | ByDevice | ByInbox))
  | (OfExchange & ByBrowser)

/** The requests of these kinds. */
export type RequestOf<K extends StoredRequest['kind']> = Extract<StoredRequest, { readonly kind: K }>

/** The requests that go these ways. */
export type RequestBy<W extends StoredRequest['way']> = Extract<StoredRequest, { readonly way: W }>

/**
 * Reads a row of the table.
 * @throws TypeError for columns that make no kind or way: such a request is answered with an error, and gives nothing
 */
export function readRequest(row: RequestRow): StoredRequest {
  const { redirect_uri, state, user_code, answer, operation, upstream, upstream_user, ...common } = row
  const way = wayIn({ redirect_uri, state, user_code, answer })
  // What a user proves is for an exchange, and that is answered in a browser.
  if (upstream_user !== null && (upstream === null || operation !== null)) throw unknownKind()
  if (upstream !== null && way.way !== 'browser') throw unknownKind()
  if (operation === '') throw unknownKind()
  if (operation !== null)
    return {
      ...common,
      kind: 'call',
      operation,
      upstream: upstream === null ? undefined : upstreamIn(upstream),
      ...way,
    }
  switch (way.way) {
    case 'browser':
      if (upstream !== null)
        return { ...common, kind: 'exchange', upstream: upstreamIn(upstream), upstream_user, ...way }
      return { ...common, kind: 'access', ...way }
    case 'device':
      return { ...common, kind: 'access', ...way }
    case 'inbox':
      throw unknownKind()
  }
}

function wayIn({
  redirect_uri,
  state,
  user_code,
  answer,
}: Pick<RequestRow, 'redirect_uri' | 'state' | 'user_code' | 'answer'>): ByBrowser | ByDevice | ByInbox {
  if (redirect_uri !== '' && user_code === null && answer === null) return { way: 'browser', redirect_uri, state }
  if (redirect_uri === '' && state === null) {
    if (user_code !== null && user_code !== '' && answer === null) return { way: 'device', user_code }
    if (user_code === null && answer === 'inbox') return { way: 'inbox' }
  }
  throw new TypeError('a stored request goes no way that is known')
}

function upstreamIn(text: string): UpstreamOfUser {
  const upstream = JSON.parse(text) as Partial<Upstream> | null
  if (upstream?.act === undefined || upstream.sub === undefined) throw unknownKind()
  return upstream as UpstreamOfUser
}

function unknownKind(): TypeError {
  return new TypeError('a stored request is of no kind that is known')
}

/**
 * Reads a row of a request that was read before.
 * @throws TypeError where it is another kind or goes another way by now
 */
export function readAgain<R extends StoredRequest>(before: R, row: RequestRow): R {
  const request = readRequest(row)
  if (request.kind !== before.kind || request.way !== before.way) throw unknownKind()
  return request as R
}

/** The claims of the upstream token; undefined where the request is made in no exchange. */
export function upstreamOf(request: StoredRequest): UpstreamOfUser | undefined {
  switch (request.kind) {
    case 'access':
      return undefined
    case 'call':
    case 'exchange':
      return request.upstream
  }
}

/** Tells whether the agent polls for the answer, which else comes with the browser. */
export function isPolled({ way }: StoredRequest): boolean {
  switch (way) {
    case 'browser':
      return false
    case 'device':
    case 'inbox':
      return true
  }
}

import { satisfies } from '@countersign/protocol'
import type { AAuth, Authorization, Guarded } from '@countersign/resource'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Rule } from '../rules/rule-book.js'
import type { RecentEvents } from './events.js'

/** What a stream was opened for: by its rule it goes on. */
export interface Purpose<S extends string> {
  readonly rule: Rule<S>
}

/** A request that the server has not answered yet. */
export interface Pending<S extends string = string> {
  readonly method: string
  /** What its handler gets. */
  readonly aauth: Guarded
  /** Resolves with the first message for it, or to the answer that its caller gets in place of any. */
  readonly begun: Promise<Response | undefined>
  readonly purpose: Purpose<S>
}

/** What came, and who sent it. */
export interface Arrived<S extends string> {
  readonly id: string | number
  readonly method: string
  readonly authorization: Authorization & { readonly ok: true }
  readonly rule: Rule<S>
}

/** The requests of one session that are under way. */
export interface Requests<S extends string> {
  readonly size: number
  /** Nothing for an id that is under way already. */
  begin(arrived: Arrived<S>): Pending<S> | undefined
  /** It was not taken: nothing will be answered to it. */
  forget(id: unknown): void
  /** Its caller wants no answer any more: ends its stream, which the SDK would keep as long as the session. */
  cancel(id: unknown): void
}

interface Noted<S extends string> extends Pending<S> {
  readonly authorization: Authorization & { readonly ok: true }
  /** What calls of others have thrown. */
  readonly thrown: unknown[]
  begin(answer?: Response): void
}

/** What is watched beside. */
export interface Watching<S extends string> {
  /** What is asked for a tool. */
  readonly ruleOf: (tool: string) => Rule<S>
  readonly events: Pick<RecentEvents<Purpose<S>>, 'close'>
}

/**
 * Watches what a server sends: lists say of each tool what it asks, and where a handler has let through what `aauth.fetch` has
 * thrown, the request is answered as a guard answers it, not as a tool that failed.
 */
export function watchRequests<S extends string>(
  transport: WebStandardStreamableHTTPServerTransport,
  { ruleOf, events }: Watching<S>,
): Requests<S> {
  const noted = new Map<string | number, Noted<S>>()
  const send = transport.send.bind(transport)
  transport.send = async (message, options) => {
    if (!isResponse(message)) {
      const about = options?.relatedRequestId
      if (about !== undefined) noted.get(about)?.begin()
      return send(message, options)
    }
    const request = noted.get(message.id)
    noted.delete(message.id)
    if (request === undefined) return send(message, options)
    const error = request.thrown.find(thrown => isToldIn(message, thrown))
    request.begin(error === undefined ? undefined : await request.authorization.respond(error))
    return send(request.method === 'tools/list' ? marked(message, request.aauth, ruleOf) : message, options)
  }
  const forget = (id: unknown): Noted<S> | undefined => {
    if (typeof id !== 'string' && typeof id !== 'number') return undefined
    const request = noted.get(id)
    request?.begin()
    noted.delete(id)
    return request
  }
  return {
    get size() {
      return noted.size
    },
    begin({ id, method, authorization, rule }) {
      if (noted.has(id)) return undefined
      const thrown: unknown[] = []
      let begin: Noted<S>['begin'] = () => {}
      const begun = new Promise<Response | undefined>(resolve => {
        begin = resolve
      })
      const aauth = noting(authorization.aauth, thrown)
      const request = { method, authorization, thrown, begin, begun, aauth, purpose: { rule } }
      noted.set(id, request)
      return request
    },
    forget: id => void forget(id),
    cancel(id) {
      const request = forget(id)
      if (request === undefined) return
      events.close(request.purpose)
      transport.closeSSEStream(id as string | number)
      // Reaches nobody, and the SDK forgets the request.
      send({ jsonrpc: '2.0', id: id as string | number, error: { code: -32_800, message: 'cancelled' } }).catch(
        () => {},
      )
    },
  }
}

type ResponseMessage = Extract<JSONRPCMessage, { result: unknown } | { error: unknown }> & {
  readonly id: string | number
}

function isResponse(message: JSONRPCMessage): message is ResponseMessage {
  return ('result' in message || 'error' in message) && 'id' in message && message.id !== undefined
}

/** The facts, with calls whose failures are noted. Not enumerable, as those of the facts. */
function noting(aauth: Guarded, thrown: unknown[]): Guarded {
  const noted =
    <A extends readonly unknown[]>(call: (...args: A) => Promise<Response>) =>
    async (...args: A): Promise<Response> => {
      try {
        return await call(...args)
      } catch (error) {
        thrown.push(error)
        throw error
      }
    }
  return Object.defineProperties(
    { ...aauth },
    { fetch: { value: noted(aauth.fetch) }, oauth: { value: noted(aauth.oauth) } },
  ) as Guarded
}

/** Whether an answer tells of this error: the SDK makes a failed result of what a tool throws, and an error of all else. */
function isToldIn(message: ResponseMessage, thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  if ('error' in message) return message.error.message === thrown.message
  const { isError, content } = message.result
  return isError === true && Array.isArray(content) && content.some(part => Object(part).text === thrown.message)
}

/** `aauth/allowed` is as far as level and scopes go: lists of agents and policies have their say when it is called. */
function marked<S extends string>(
  message: ResponseMessage,
  aauth: AAuth,
  ruleOf: (tool: string) => Rule<S>,
): JSONRPCMessage {
  if (!('result' in message) || !Array.isArray(message.result['tools'])) return message
  const tools = message.result['tools'].map((tool: Readonly<Record<string, unknown>>) => {
    const _meta = { ...Object(tool['_meta']), ...askedOf(ruleOf(String(tool['name'])), aauth) }
    return { ...tool, _meta }
  })
  return { ...message, result: { ...message.result, tools } }
}

function askedOf<S extends string>(rule: Rule<S>, aauth: AAuth): object {
  const { level = 'anonymous', scope, isClosed, requirement } = rule
  if (isClosed) return { 'aauth/allowed': false }
  const hasScope = scope.every(name => aauth.scope.includes(name))
  // A bearer token is judged by its scope alone, where it is taken at all.
  const isHigh = aauth.credential === 'bearer' ? requirement.alsoAccept !== undefined : satisfies(aauth.level, level)
  return {
    'aauth/requires': { level, ...(scope.length === 0 ? {} : { scope: scope.join(' ') }) },
    'aauth/allowed': isHigh && (level !== 'authorized' || hasScope),
  }
}

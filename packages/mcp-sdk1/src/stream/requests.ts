import { isReportedIn, type Rule, recordErrors, withRequirements } from '@countersign/mcp/internal'
import type { Authorization, Guarded } from '@countersign/resource'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { RecentEvents } from './events.js'

/** The purpose of a stream: it is resumed under this rule. */
export interface Purpose<S extends string> {
  readonly rule: Rule<S>
}

/** A request that the server has not answered yet. */
export interface Pending<S extends string = string> {
  readonly method: string
  /** The facts that its handler gets. */
  readonly aauth: Guarded
  /** Resolves when the server sends the first message for it, or to the response that replaces all messages. */
  readonly begun: Promise<Response | undefined>
  readonly purpose: Purpose<S>
  /** Whether its caller has cancelled it. */
  readonly isCancelled: boolean
}

/** A request to begin, and its caller. */
export interface NewRequest<S extends string> {
  readonly id: string | number
  readonly method: string
  readonly authorization: Authorization & { readonly ok: true }
  readonly rule: Rule<S>
}

/** The running requests of one session. */
export interface Requests<S extends string> {
  readonly size: number
  /** Begins a request; undefined when one with its id is still running. */
  begin(request: NewRequest<S>): Pending<S> | undefined
  /** Forgets a request that the transport refused: the server will not answer it. */
  forget(id: unknown): void
  /** Ends the stream of a cancelled request; the SDK would keep it open until the session ends. */
  cancel(id: unknown): void
}

interface Running<S extends string> extends Pending<S> {
  readonly authorization: Authorization & { readonly ok: true }
  /** The errors that its handler's calls of other services have thrown. */
  readonly thrown: unknown[]
  isCancelled: boolean
  begin(answer?: Response): void
}

/** The rules and events of a session. */
export interface WatchContext<S extends string> {
  /** The rule of a tool. */
  readonly ruleOf: (tool: string) => Rule<S>
  readonly events: Pick<RecentEvents<Purpose<S>>, 'close'>
}

/**
 * Watches the messages that a server sends. Lists of tools get the requirement of each tool. When a handler did not catch an error
 * of `aauth.fetch`, the caller gets the response of the guard to that error, not a failed tool result.
 */
export function watchRequests<S extends string>(
  transport: WebStandardStreamableHTTPServerTransport,
  { ruleOf, events }: WatchContext<S>,
): Requests<S> {
  // bound: 1000 requests of a session; bytes: 1000 × the facts of one, each with its connection; grown by a stranger;
  // shared: each session its own; filled by bounded-collections-fills.test.ts "requests of one MCP session"
  const running = new Map<string | number, Running<S>>()
  const send = transport.send.bind(transport)
  transport.send = async (message, options) => {
    if (!isResponse(message)) {
      const about = options?.relatedRequestId
      if (about !== undefined) running.get(about)?.begin()
      return send(message, options)
    }
    const request = running.get(message.id)
    running.delete(message.id)
    if (request === undefined) return send(message, options)
    const error = request.thrown.find(thrown => isReportedIn(message, thrown))
    request.begin(error === undefined ? undefined : await request.authorization.respond(error))
    return send(request.method === 'tools/list' ? withRequirements(message, request.aauth, ruleOf) : message, options)
  }
  const forget = (id: unknown): Running<S> | undefined => {
    if (typeof id !== 'string' && typeof id !== 'number') return undefined
    const request = running.get(id)
    request?.begin()
    running.delete(id)
    return request
  }
  return {
    get size() {
      return running.size
    },
    begin({ id, method, authorization, rule }) {
      if (running.has(id)) return undefined
      const thrown: unknown[] = []
      let begin: Running<S>['begin'] = () => {}
      const begun = new Promise<Response | undefined>(resolve => {
        begin = resolve
      })
      const aauth = recordErrors(authorization.aauth, thrown)
      const request = { method, authorization, thrown, begin, begun, aauth, purpose: { rule }, isCancelled: false }
      running.set(id, request)
      return request
    },
    forget: id => void forget(id),
    cancel(id) {
      const request = forget(id)
      if (request === undefined) return
      request.isCancelled = true
      events.close(request.purpose)
      transport.closeSSEStream(id as string | number)
      // The stream is closed, so this reaches no caller; the SDK forgets the request.
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

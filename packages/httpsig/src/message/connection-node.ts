import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { NodeRequest } from './node-request.js'
import type { CallerConnection } from './received-message.js'

/** The connection of a request on Node. */
export interface NodeConnection extends CallerConnection {
  /** Whether somebody waited for the caller's leaving, and it has left. */
  readonly isGone: boolean
}

/** The connection of a request on Node, to be told of its end through the response. */
export function connectionOfNode(request: NodeRequest, response: ServerResponse | Http2ServerResponse): NodeConnection {
  return new ResponseConnection(request, response)
}

/** Most requests never ask: nothing is made and nothing listens before. */
class ResponseConnection implements NodeConnection {
  readonly #request: NodeRequest
  readonly #response: ServerResponse | Http2ServerResponse
  #waiting: Set<() => void> | undefined
  #abort: AbortController | undefined
  isGone: boolean = false

  constructor(request: NodeRequest, response: ServerResponse | Http2ServerResponse) {
    this.#request = request
    this.#response = response
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController()
      this.#abort = abort
      this.whenGone(() => abort.abort(new DOMException('the caller has closed the connection', 'AbortError')))
    }
    return this.#abort.signal
  }

  whenGone(work: () => void): () => void {
    const waiting = this.#waiting ?? this.#listen()
    if (this.isGone) work()
    else waiting.add(work)
    return () => void waiting.delete(work)
  }

  #listen(): Set<() => void> {
    // bound: what the program waits with for one caller, until the request ends; grown by the program
    const waiting = new Set<() => void>()
    this.#waiting = waiting
    const closed = (): void => {
      if (this.isGone || isHandedOver(this.#response)) return
      this.isGone = true
      for (const work of waiting) work()
    }
    if (isClosed(this.#request, this.#response)) closed()
    else whenClosed(this.#request, this.#response, closed)
    return waiting
  }
}

function isClosed(request: NodeRequest, response: ServerResponse | Http2ServerResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed || request.socket.destroyed
}

/** Whether the whole response has been handed to the kernel: then there is nothing left to abort. */
function isHandedOver(response: ServerResponse | Http2ServerResponse): boolean {
  if (!response.writableEnded) return false
  // Node ends the stream of a request that was reset, whatever its handler has written.
  if ('stream' in response) return response.stream.writableFinished
  return response.writableFinished || response.writableLength === 0
}

function whenClosed(request: NodeRequest, response: ServerResponse | Http2ServerResponse, closed: () => void): void {
  response.once('close', closed)
  // A pipelined request has no socket before its turn comes: its response is not told when the connection closes.
  if (!('stream' in response) && response.socket === null)
    response.once('close', whenSocketCloses(request.socket, closed))
}

const waitingOn: unique symbol = Symbol('countersign.waiting')

/**
 * Calls `closed` when the socket closes. One listener a socket: a peer may pipeline any number of requests.
 * @returns a function that ends it
 */
function whenSocketCloses(socket: Socket & { [waitingOn]?: Set<() => void> }, closed: () => void): () => void {
  const known = socket[waitingOn]
  // bound: unanswered requests of one connection, which Node keeps anyway; bytes: small beside those; grown by a
  // stranger; shared: each connection its own; filled by connection-node.test.ts "of pipelined requests all that wait
  // are aborted"
  const all = known ?? new Set()
  if (known === undefined) {
    socket[waitingOn] = all
    socket.once('close', () => {
      for (const each of all) each()
    })
  }
  all.add(closed)
  return () => void all.delete(closed)
}

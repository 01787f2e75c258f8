import { IncomingMessage } from 'node:http'
import { refusal } from '../error.js'
import { checkUntouched } from './framing-node.js'
import { gather } from './gather-node.js'
import { mergeChunks, mergeEarly, takeWaiting } from './merged-chunks-node.js'
import type { NodeRequest } from './node-request.js'
import { collectBody, type UnreadBody } from './received-message.js'
import { isWhole, wasReset } from './request-end-node.js'

/** How the body of a request of Node is read. */
export interface BodyRules {
  /** Most bytes. */
  readonly bodyLimit: number
  /** Whether the bytes stay in the request for the next reader. */
  readonly leaveBody: boolean
  /** Called once, before anything is read. */
  readonly onRead: (() => void) | undefined
}

/** Bounds the memory of a body that waits to be read: its chunks are merged (DIG-20). */
export function holdBody(request: NodeRequest): void {
  if (!isWhole(request)) mergeChunks(request)
  mergeEarly(request)
}

/** The body of a request of Node that nothing has read. */
export function nodeBody(request: NodeRequest, rules: BodyRules): UnreadBody {
  return new NodeBody(request, rules)
}

class NodeBody implements UnreadBody {
  readonly #request: NodeRequest
  readonly #rules: BodyRules
  #onRead: (() => void) | undefined
  #bytes: Promise<Uint8Array | undefined> | undefined

  constructor(request: NodeRequest, rules: BodyRules) {
    this.#request = request
    this.#rules = rules
    this.#onRead = rules.onRead
  }

  bytes(): Promise<Uint8Array | undefined> {
    this.#bytes ??= this.#readAll()
    return this.#bytes
  }

  async hasByte(): Promise<boolean> {
    if (this.#bytes !== undefined) return (await this.#bytes) !== undefined
    this.#begin()
    return peekByte(this.#request)
  }

  async #readAll(): Promise<Uint8Array | undefined> {
    this.#begin()
    const request = this.#request
    const { bodyLimit, leaveBody } = this.#rules
    if (request.readableEnded) return undefined
    const arrived = takeArrived(request, bodyLimit)
    if (arrived !== undefined) {
      if (leaveBody) putBack(request, arrived)
      return arrived
    }
    return leaveBody ? peekBody(request, bodyLimit) : takeBody(request, bodyLimit)
  }

  /** @throws HttpSigError when the connection has ended while the body waited */
  #begin(): void {
    const onRead = this.#onRead
    this.#onRead = undefined
    onRead?.()
    if (isGone(this.#request)) throw refusal('request_cut_off')
  }
}

/**
 * Whether the connection, or in HTTP/2 the stream, has ended while the body waited. Node drops the body then, and in HTTP/2 it still
 * signals an end: the request would pass for one without a body.
 */
function isGone(request: NodeRequest): boolean {
  if (wasReset(request)) return true
  const { destroyed } = 'stream' in request ? request.stream : request
  return destroyed && !request.readableEnded
}

/**
 * Takes a body that has arrived as a whole, mostly together with the head: its parser is done, and there is no event to wait for.
 * @returns undefined for one that has not, or that something else reads
 * @throws HttpSigError for a body over the limit
 */
function takeArrived(request: NodeRequest, limit: number): Uint8Array | undefined {
  if (!(request instanceof IncomingMessage && request.complete)) return undefined
  if (request.readableFlowing !== null || request.readableEncoding !== null) return undefined
  const bytes = takeWaiting(request)
  if (bytes === null || bytes.length === 0) return undefined
  if (bytes.length > limit) throw refusal('body_too_large')
  // A copy: a small part of what a socket has read would keep all of that from being freed.
  return new Uint8Array(bytes)
}

function takeBody(request: NodeRequest, limit: number): Promise<Uint8Array | undefined> {
  const body = collectBody(limit)
  return gather(request, {
    on: 'data',
    part(chunk) {
      body.add(chunk)
      return undefined
    },
    end: body.bytes,
  })
}

/** Reads the bytes and puts them back before the stream signals its end. */
function peekBody(request: NodeRequest, limit: number): Promise<Uint8Array | undefined> {
  checkUntouched(request)
  const body = collectBody(limit)
  return gather(request, {
    on: 'readable',
    part() {
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) body.add(chunk as Uint8Array)
      const bytes = isWhole(request) ? body.bytes() : undefined
      if (bytes !== undefined) putBack(request, bytes)
      return bytes
    },
    end() {
      // The body would be verified, but the handler would get an empty one.
      if (body.bytes() !== undefined) throw new TypeError('the body of this request cannot be read twice')
      return undefined
    },
  })
}

/** The same memory, so that the body is not held twice. */
function putBack(request: NodeRequest, { buffer, byteOffset, length }: Uint8Array): void {
  // bound: one call
  request.unshift(Buffer.from(buffer, byteOffset, length))
}

/** Waits for the first byte of a body and puts it back. @returns whether there is one */
async function peekByte(request: NodeRequest): Promise<boolean> {
  if (request.readableEnded) return false
  checkUntouched(request)
  const first = await gather(request, {
    on: 'readable',
    part() {
      const chunk: Uint8Array | null = request.read()
      if (chunk === null) return undefined
      // bound: one call
      request.unshift(chunk)
      return chunk
    },
    end: () => undefined,
  })
  return first !== undefined
}

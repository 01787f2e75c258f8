import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { framingOf, refusal } from '@countersign/protocol/internal'
import {
  type AnswerRule,
  type HandledHead,
  hasJudgedBody,
  maxAnswerBytes,
  type ShownAnswer,
  showAnswer,
} from '../answer/answer-rule.js'
import { hindersProjection } from '../answer/whole-answer.js'
import type { NodeRequest } from './incoming-node.js'
import { fieldsIn, fieldsOf, linesOf, type NodeResponse, release } from './outgoing-node.js'

/** As much of both kinds of responses as is used here. */
type Outgoing = Pick<ServerResponse, 'getHeader' | 'getHeaderNames' | 'removeHeader' | 'setHeader'> & {
  statusCode: number
  statusMessage: string
  [release]?: () => void
}

/** What a handler can send beside an answer: early hints, trailers, further answers. None of it goes out. */
const besides = [
  'writeContinue',
  'writeProcessing',
  'writeEarlyHints',
  'writeInformation',
  'addTrailers',
  'setTrailer',
  'createPushResponse',
]

/** The fields that say of a body what ours is not. */
const ofBody = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'etag', 'trailer']

type Given = readonly unknown[]

/** An answer that is held. */
interface Held {
  readonly request: NodeRequest
  readonly response: NodeResponse
  readonly rule: AnswerRule
  /** Restores the headers that stood before the handler ran, and removes later ones. */
  readonly takeBack: () => void
  readonly chunks: Buffer[]
  length: number
  /** What goes out is decided. */
  isOver: boolean
  /** Takes our methods off the response. */
  restore: () => void
}

/**
 * Holds what a handler writes until its answer is complete, and then sends what the rule lets out: whether the handler calls
 * `writeHead`, writes piece by piece, or is piped. Where it shows earlier that the answer cannot be judged, 403 goes out at once.
 * @see protocol §9
 */
export function holdAnswer(of: Pick<Held, 'request' | 'response' | 'rule' | 'takeBack'>): void {
  const { response } = of
  const outgoing = outgoingOf(response)
  // A second guard of this request has the same caller, and so the same rule.
  if (outgoing[release] !== undefined) return
  const held: Held = { ...of, chunks: [], length: 0, isOver: false, restore: () => undefined }
  held.restore = replaced(outgoing, {
    ...silent(given => {
      take(held, given)
      return true
    }),
    end(given) {
      take(held, given)
      show(held)
      return response
    },
    writeHead([status, ...rest]) {
      outgoing.statusCode = Number(status)
      for (const [name, value] of linesOf(rest)) outgoing.setHeader(name, value)
      return response
    },
    // What is to follow, and later, is a body.
    flushHeaders: () => void judge(held, true),
  })
  outgoing[release] = () => {
    if (!held.isOver) held.restore()
    held.isOver = true
  }
}

const outgoingOf = (response: NodeResponse): Outgoing => response as unknown as Outgoing

function headOf({ response }: Held): HandledHead {
  const outgoing = outgoingOf(response)
  return { status: outgoing.statusCode, headers: fieldsIn(outgoing) }
}

function take(held: Held, given: Given): void {
  const chunk = bytesIn(given)
  held.length += chunk.length
  if (held.length > maxAnswerBytes) refuse(held, refusal('answer_withheld', { about: 'it is too long to be judged' }))
  // bound: one call
  if (chunk.length > 0 && judge(held, true)) held.chunks.push(chunk)
  callbackIn(given)?.()
}

/** Whether the body is judged: at once, since a stream may never end. */
function judge(held: Held, hasBytes: boolean): boolean {
  if (held.isOver) return false
  try {
    return hasJudgedBody(headOf(held), hasBytes)
  } catch (error) {
    refuse(held, error)
    return false
  }
}

function refuse(held: Held, error: unknown): void {
  if (held.isOver) return
  held.isOver = true
  held.chunks.length = 0
  const answer = held.rule.withhold(error)
  answer.arrayBuffer().then(
    body => deliver(held, { status: answer.status, headers: fieldsOf(answer), body: Buffer.from(body) }),
    () => held.response.destroy(),
  )
}

function show(held: Held): void {
  if (held.isOver) return
  try {
    const body = held.request.method === 'HEAD' ? undefined : Buffer.concat(held.chunks)
    const shown = showAnswer(headOf(held), body, held.rule)
    held.isOver = true
    deliver(held, shown)
  } catch (error) {
    refuse(held, error)
  }
}

interface Delivered extends Pick<ShownAnswer, 'status'> {
  readonly headers: ReadonlyArray<readonly [name: string, value: string | string[]]>
  readonly body?: Uint8Array | undefined
}

function deliver(held: Held, { status, headers, body }: Delivered): void {
  const { request, response, takeBack } = held
  const outgoing = outgoingOf(response)
  held.restore()
  takeBack()
  for (const name of ofBody) outgoing.removeHeader(name)
  for (const [name, value] of headers) outgoing.setHeader(name, value)
  outgoing.statusCode = status
  // Node's own phrase: that of the handler could hold anything.
  if (request.httpVersionMajor < 2) outgoing.statusMessage = ''
  const { method = '' } = request
  const { hasBody, length } = framingOf({ method, status, given: null, bytes: body?.length ?? 0 })
  if (length !== undefined) outgoing.setHeader('content-length', length)
  if (hasBody && body !== undefined) response.end(body)
  else response.end()
  // A handler that still writes, to a stream that was refused, writes to nobody.
  held.restore = replaced(outgoing, { ...silent(() => true), end: given => tell(given, response) })
}

type Methods = Readonly<Record<string, (given: Given) => unknown>>

/** Methods that send nothing; what is written goes to `write`. */
function silent(write: (given: Given) => boolean): Methods {
  return { ...Object.fromEntries(besides.map(name => [name, (given: Given) => tell(given, undefined)])), write }
}

function tell<T>(given: Given, result: T): T {
  callbackIn(given)?.()
  return result
}

/** Puts methods of its own on a response. @returns a function that takes them off again */
function replaced(outgoing: object, methods: Methods): () => void {
  const names = Object.keys(methods).filter(name => name in outgoing)
  const before = names.map(name => Object.getOwnPropertyDescriptor(outgoing, name))
  for (const name of names)
    Object.defineProperty(outgoing, name, {
      value: (...given: unknown[]) => methods[name]?.(given),
      configurable: true,
      writable: true,
    })
  return () => {
    for (const [at, name] of names.entries()) {
      const own = before[at]
      if (own === undefined) Reflect.deleteProperty(outgoing, name)
      else Object.defineProperty(outgoing, name, own)
    }
  }
}

function bytesIn([piece, encoding]: Given): Buffer {
  if (typeof piece === 'string') return Buffer.from(piece, typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8')
  // A copy: the handler may fill its own buffer again before the answer is complete.
  return piece instanceof Uint8Array ? Buffer.from(piece) : Buffer.alloc(0)
}

function callbackIn(given: Given): (() => void) | undefined {
  const callback = given.find(each => typeof each === 'function') as (() => void) | undefined
  return callback && (() => queueMicrotask(callback))
}

/** Takes off a request what would have its answer be no whole one: handlers must not see it. */
export function askWhole(request: NodeRequest): void {
  const { rawHeaders, headers } = request
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2)
    if (hindersProjection(rawHeaders[at] ?? '')) rawHeaders.splice(at, 2)
  for (const name of Object.keys(headers)) if (hindersProjection(name)) delete headers[name]
}

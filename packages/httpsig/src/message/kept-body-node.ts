import type { IncomingMessage, ServerResponse } from 'node:http'
import { refusal } from '../error.js'
import { headerValues, type ReceivedMessage, trimOws } from './received-message.js'

const kept: unique symbol = Symbol('countersign.kept')

interface Keeping {
  [kept]?: Uint8Array
}

/**
 * Keeps the bytes of a body that a parser reads before the guard: give it to Express's parsers as `verify`,
 * `express.json({ verify: keepBody })`, likewise `urlencoded`, `text` and `raw`. It verifies nothing: a guard behind the parser
 * verifies the kept bytes, after the parser has parsed them within its own limit.
 * Inflated bytes are not the bytes that were signed: requests with a compressed body are refused with 415.
 */
export function keepBody(request: IncomingMessage, _response: ServerResponse, body: Uint8Array): void {
  const keeping = request as Keeping
  keeping[kept] = body
}

/**
 * The message with the body that {@link keepBody} has kept; undefined when it has kept none.
 * @throws HttpSigError 413 over the limit, 415 for an inflated body
 */
export function withKeptBody(request: object, message: ReceivedMessage, limit: number): ReceivedMessage | undefined {
  const body = (request as Keeping)[kept]
  if (body === undefined) return undefined
  if (body.length > limit) throw refusal('body_too_large')
  if (headerValues(message, 'content-encoding').some(coding => trimOws(coding).toLowerCase() !== 'identity'))
    throw refusal('body_compressed', { about: 'a parser has unpacked it' })
  return body.length === 0 ? message : { ...message, body }
}

import type { HeaderFields } from './cors.js'

/** How an answer is framed. */
export interface Framing {
  /** Whether bytes of a body may follow the head. */
  readonly hasBody: boolean
  /** The value of `Content-Length`; without it the answer has none. */
  readonly length?: string
}

/** What is known of an answer. */
export interface FramedAnswer {
  /** Of the request. */
  readonly method: string
  readonly status: number
  /** The `Content-Length` that the answer came with. */
  readonly given: string | null
  /** Bytes of its body, or for HEAD of the one left out, where they are known. */
  readonly bytes?: number | undefined
}

/**
 * The one table of how answers are framed. A length without its body makes the caller take the next answer for that body, and bytes
 * that no length announces make it take the rest of a body for the next answer (response splitting).
 * @see RFC 9110 §6.4.1, §8.6, §9.3.6, §15.3.6; RFC 9112 §6.3
 */
export function framingOf({ method, status, given, bytes }: FramedAnswer): Framing {
  if (status < 200 || status === 204) return noBody
  if (method === 'CONNECT' && status < 300) return noBody
  if (status === 205) return emptyBody
  const length = given !== null && digits.test(given) ? given : undefined
  if (method === 'HEAD' || status === 304) {
    const ofGet = length ?? (method === 'HEAD' && bytes ? String(bytes) : undefined)
    return ofGet === undefined ? noBody : { hasBody: false, length: ofGet }
  }
  if (bytes !== undefined) return { hasBody: true, length: String(bytes) }
  return length === undefined ? openBody : { hasBody: true, length }
}

const digits = /^\d{1,15}$/
const noBody: Framing = { hasBody: false }
const emptyBody: Framing = { hasBody: false, length: '0' }
const openBody: Framing = { hasBody: true }

/**
 * Makes the headers that an answer came with say how long it is by the table, and nothing else.
 * @param isEmpty asked of an answer with a length: whether it has no body
 * @returns whether it may have a body
 */
export function frameHead(answer: AnswerFields, method: string, isEmpty = (): boolean => false): boolean {
  const given = answer.headers.get('content-length')
  const bytes = given !== null && isEmpty() ? 0 : undefined
  // Read after the body: on some platforms a response that is asked for its body has other headers from then on.
  const { status, headers } = answer
  const { hasBody, length } = framingOf({ method, status, given, bytes })
  for (const name of framingFields) if (name !== 'content-length' || length === undefined) headers.delete(name)
  if (length !== undefined && length !== given) headers.set('content-length', length)
  return hasBody
}

interface AnswerFields {
  readonly status: number
  readonly headers: Pick<HeaderFields, 'get' | 'set' | 'delete'>
}

/** Header fields that only who writes an answer to a connection may set. */
export const framingFields: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'trailer'])

import { projectJson } from '@countersign/conditions'
import type { HeaderFields } from '@countersign/protocol'
import { framingOf, refusal } from '@countersign/protocol/internal'
import { jsonType } from './json-type.js'

/** The status and headers that a handler has set. */
export interface HandledHead {
  readonly status: number
  readonly headers: Pick<HeaderFields, 'get'>
}

/** What goes out of an answer. */
export interface ShownAnswer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Absent where the status goes out alone. */
  readonly body?: Uint8Array<ArrayBuffer> | undefined
}

/**
 * What of an answer goes out to a caller with conditions of type `data`.
 * @see protocol §9
 */
export interface AnswerRule {
  /** The `fields` of each condition: the answer holds what every one of these lists of JSON pointers names, and nothing else. */
  readonly fields: ReadonlyArray<readonly string[]>
  /** The response instead of an answer that cannot be shown. Called once: it tells of the refusal. */
  withhold(error: unknown): Response
}

/** The most bytes of an answer that are kept until they can be judged. */
export const maxAnswerBytes: number = 1024 * 1024

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const seconds = /^\d{1,10}$/

/**
 * Whether an answer has a body to judge; of all others only the status goes out.
 * @param hasBytes some of its body has been written
 * @throws AAuthError `answer_withheld` as soon as it shows that the body cannot be judged: a stream may never end
 */
export function hasJudgedBody({ status, headers }: HandledHead, hasBytes: boolean): boolean {
  if (status < 200 || status > 599) throw refusal('answer_withheld', { about: 'its status is none' })
  if (status > 299 || !framingOf({ method: 'GET', status, given: null }).hasBody) return false
  if (status === 206) throw refusal('answer_withheld', { about: 'it is a part of another' })
  const coding = headers.get('content-encoding')
  if (coding !== null && coding.toLowerCase() !== 'identity')
    throw refusal('answer_withheld', { about: 'it has a content coding' })
  const type = headers.get('content-type')
  // The first event may be long in coming.
  if ((hasBytes && jsonType(type) === undefined) || isStream(type))
    throw refusal('answer_withheld', { about: 'it is not JSON' })
  return true
}

function isStream(type: string | null): boolean {
  return type !== null && /^text\/event-stream\b/i.test(type)
}

/**
 * What goes out of a complete answer. Of its headers only the type, the date and `Retry-After`: every other, an `ETag` for one, may
 * tell of hidden values.
 * @param body undefined where the answer has none to see, as to HEAD
 * @throws AAuthError `answer_withheld`
 */
export function showAnswer(
  head: HandledHead,
  body: Uint8Array | undefined,
  { fields }: Pick<AnswerRule, 'fields'>,
): ShownAnswer {
  const { status, headers } = head
  const times = [
    ...kept('date', headers.get('date'), httpDate),
    ...kept('retry-after', headers.get('retry-after'), seconds, httpDate),
  ]
  const hasBytes = body !== undefined && body.length > 0
  const type = hasJudgedBody(head, hasBytes) ? jsonType(headers.get('content-type')) : undefined
  if (type === undefined || body === undefined || !hasBytes) return { status, headers: times }
  return { status, headers: [['content-type', type], ...times], body: projectJson(body, fields) }
}

/** A header whose value is what it seems: free text could hold anything. */
function kept(name: string, value: string | null, ...forms: readonly RegExp[]): Array<readonly [string, string]> {
  return value !== null && forms.some(form => form.test(value)) ? [[name, value]] : []
}

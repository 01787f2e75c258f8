import type { HeaderLine } from '../../wire/message.js'
import { isTexts } from '../shared/json.js'
import { deniedByPolicy, type PeerAnswer } from '../shared/refusal.js'
import type { Condition } from './conditions.js'
import { projected, readNode, segmentsOf } from './pointers.js'

/** What the guard adds to every answer. @see protocol §4 */
const own = { 'cache-control': 'private', vary: 'Signature-Key' }

/** The headers that a handler may see where its answer is projected. */
export function handlerHeaders(headers: readonly HeaderLine[]): readonly HeaderLine[] {
  return headers.filter(([name]) => !/^(?:range$|if-|accept-encoding$)/i.test(name))
}

/** The answer of a handler, as far as conditions on data let it through. @see protocol §9.2 */
export function answerUnder(
  { status, phrase, headers = {}, body = '' }: PeerAnswer,
  conditions: readonly Condition[],
): PeerAnswer {
  const { 'agent-auth': _, ...others } = headers
  const kept = status === 503 ? others : headers
  if (conditions.length === 0) return { status, phrase, headers: { ...kept, ...own }, body }
  const few = Object.fromEntries(
    Object.entries(kept).filter(([name]) => ['content-type', 'retry-after'].includes(name)),
  )
  if (status < 200 || status > 299) return { status, headers: own, body: '' }
  const withheld = deniedByPolicy('answer_withheld', 'the condition `data` withholds the answer')
  if (status === 206) throw withheld
  const fields = new Map(Object.entries(headers))
  if (fields.get('content-type') !== 'application/json' || fields.has('content-encoding')) throw withheld
  const text = conditions.reduce((left, condition) => {
    const pointers = isTexts(condition['fields']) ? condition['fields'].map(segmentsOf) : []
    const shown = projected(readNode(Buffer.from(left)), pointers)
    if (shown === undefined) throw withheld
    return shown
  }, Buffer.from(body).toString())
  return { status, headers: { ...few, ...own }, body: text }
}

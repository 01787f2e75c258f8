import { framingOf, refusal } from '@countersign/protocol/internal'
import { type AnswerRule, hasJudgedBody, maxAnswerBytes, showAnswer } from './answer-rule.js'

/**
 * The response with nothing in it but what the conditions of its caller let out; 403 where that cannot be told.
 * @param method `HEAD` has no body to judge
 * @see protocol §9
 */
export async function projectResponse(response: Response, rule: AnswerRule, method: string): Promise<Response> {
  try {
    const read = method === 'HEAD' || !hasJudgedBody(response, false) ? undefined : await readAnswer(response)
    if (read === undefined) await response.body?.cancel()
    const { status, headers, body } = showAnswer(response, read, rule)
    const { length } = framingOf({ method, status, given: null, bytes: body?.length ?? 0 })
    const lines = length === undefined ? headers : [...headers, ['content-length', length] as const]
    return new Response(body ?? null, { status, headers: lines.map(([name, value]) => [name, value]) })
  } catch (error) {
    // Not awaited: what is refused may be a stream that does not end.
    if (response.body?.locked === false) response.body.cancel(error).catch(() => undefined)
    return rule.withhold(error)
  }
}

async function readAnswer(response: Response): Promise<Uint8Array | undefined> {
  if (response.body === null) return undefined
  const reader = response.body.getReader()
  // bound: one call: maxAnswerBytes
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return joined(chunks, length)
      length += value.length
      if (length > 0) hasJudgedBody(response, true)
      if (length > maxAnswerBytes) throw refusal('answer_withheld', { about: 'it is too long to be judged' })
      chunks.push(value)
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined)
    throw error
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

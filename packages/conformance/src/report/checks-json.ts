import type { Step } from '../case/verdict.js'
import type { Cause } from './causes.js'
import { conforms, type Outcome } from './outcome.js'

/**
 * `checks.json`: the verdict of every case, and the bytes of every message. The bytes are text where they are printable ASCII, else
 * base64. A message that got no byte in answer has no `response`.
 */
export function checksJson(outcome: Outcome): string {
  const { suite, role, name, subject, seed, counts, levels, causes, expected, stale, milliseconds, results } = outcome
  return `${JSON.stringify(
    {
      suite,
      role,
      name,
      subject,
      seed,
      conforms: conforms(outcome),
      counts,
      levels,
      causes: causes.map(causeJson),
      expected,
      stale,
      milliseconds,
      verdicts: Object.fromEntries(results.map(({ id, verdict }) => [id, verdict])),
      checks: results.map(({ steps, ...about }) => ({ ...about, steps: steps.map(stepJson) })),
    },
    null,
    2,
  )}\n`
}

function causeJson({ kind, sentence, cases }: Cause): object {
  const found = cases.map(({ result, fault }) => ({ id: result.id, title: fault.title }))
  return { kind, sentence, cases: found }
}

function stepJson({ exchange, ...about }: Step): object {
  if (exchange === undefined) return about
  const { sent, received, trouble } = exchange
  return {
    ...about,
    request: bytesJson(sent),
    ...(received.length === 0 ? {} : { response: bytesJson(received) }),
    ...(trouble === undefined ? {} : { trouble }),
  }
}

function bytesJson(bytes: Buffer): { text: string } | { base64: string } {
  const text = bytes.toString('latin1')
  return /^[\r\n\t\x20-\x7e]*$/.test(text) ? { text } : { base64: bytes.toString('base64') }
}

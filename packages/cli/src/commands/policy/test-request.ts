import { type Conditions, type ConsideredRequest, projectJson, refusedBy } from '@countersign/conditions'
import { printJson, printLines, shown, table } from '@countersign/fetch/internal'
import { AAuthError } from '@countersign/protocol'
import { type RequestFlags, requestOf } from './considered.js'
import { type PolicyFlags, sentencesOf } from './explain.js'
import { readPolicy } from './read-policy.js'
import { type PolicyWords, wordsOf } from './words.js'

/**
 * `countersign policy test FILE|TOKEN --resource ID …`: whether a policy allows a request, and which condition decides.
 * Exit code 0: allowed; 1: refused; 2: it is no policy, or no request.
 */
export function testPolicy(what: string, flags: PolicyFlags & RequestFlags): void {
  const { conditions } = readPolicy(what, flags)
  const request = requestOf(flags, flags.development ?? false)
  const words = wordsOf(flags.lang ?? 'en')
  const verdict = judge(conditions, request)
  if (verdict.decidedBy !== undefined) process.exitCode = 1
  const sentences = sentencesOf(conditions, flags)
  if (flags.json) {
    printJson(jsonOf(verdict, { conditions, sentences }), 2)
    return
  }
  const rows = conditions.map((_, i) => [`${i + 1}.`, outcome(verdict.outcomes[i], words), sentences[i] ?? ''])
  const { decidedBy, shown: answer } = verdict
  const told = decidedBy === undefined ? words.allowed : words.refused(decidedBy)
  const shownAnswer = answer === undefined || decidedBy !== undefined ? [] : [words.answer(shown(answer))]
  printLines([...table(rows), told, ...(verdict.isWithheld ? [words.withheld] : shownAnswer)].join('\n'))
}

interface Verdict {
  /** Of each condition; undefined: of the answer, of which nothing was said. */
  readonly outcomes: ReadonlyArray<boolean | undefined>
  /** The number of the condition that refuses the request. */
  readonly decidedBy: number | undefined
  /** What goes out of the answer. */
  readonly shown: string | undefined
  /** None of the answer may go out. */
  readonly isWithheld: boolean
}

/** `data` takes fields out of an answer and refuses only what is no JSON; the others hold or refuse. */
function judge(conditions: Conditions, request: ConsideredRequest): Verdict {
  const lists = conditions.filter(each => each.type === 'data' && each.resource === request.resource)
  const shown = lists.length === 0 ? undefined : projected(conditions, request)
  const isWithheld = shown === null
  const first = refusedBy(
    conditions.filter(({ type }) => type !== 'data'),
    request,
  )
  const decisive = first ?? (isWithheld ? lists[0] : undefined)
  return {
    outcomes: conditions.map(condition => {
      if (condition.type !== 'data') return refusedBy([condition], request) === undefined
      if (!lists.includes(condition)) return true
      return request.answer === undefined ? undefined : !isWithheld
    }),
    decidedBy: decisive === undefined ? undefined : conditions.indexOf(decisive) + 1,
    shown: shown ?? undefined,
    isWithheld,
  }
}

/** What goes out of the answer; null: nothing, undefined: no answer is given. */
function projected(conditions: Conditions, { answer, resource }: ConsideredRequest): string | null | undefined {
  if (!ArrayBuffer.isView(answer)) return undefined
  const bytes = new Uint8Array(answer.buffer, answer.byteOffset, answer.byteLength)
  const fields = conditions.flatMap(each => (each.type === 'data' && each.resource === resource ? [each.fields] : []))
  try {
    return new TextDecoder().decode(projectJson(bytes, fields))
  } catch (error) {
    if (error instanceof AAuthError) return null
    throw error
  }
}

function outcome(holds: boolean | undefined, words: PolicyWords): string {
  if (holds === undefined) return words.notReached
  return holds ? words.holds : words.fails
}

function jsonOf(
  { outcomes, decidedBy, shown }: Verdict,
  o: { readonly conditions: Conditions; readonly sentences: readonly string[] },
): object {
  return {
    allowed: decidedBy === undefined,
    decided_by: decidedBy ?? null,
    ...(shown !== undefined && { answer: JSON.parse(shown) as unknown }),
    conditions: o.conditions.map((condition, i) => ({ condition, text: o.sentences[i], holds: outcomes[i] ?? null })),
  }
}

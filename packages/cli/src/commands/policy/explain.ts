import { type Conditions, conflicts, explainCondition, implies, type Words } from '@countersign/conditions'
import { printJson, printLines, shown, UsageError } from '@countersign/fetch/internal'
import { isObject } from '@countersign/protocol/internal'
import { isFile, parseText, readPolicy, readText } from './read-policy.js'
import { type Language, wordsOf } from './words.js'

/** The flags of all policy commands. */
export interface PolicyFlags {
  readonly lang?: Language
  readonly words?: string
  readonly development?: boolean
  readonly json?: boolean
}

/**
 * `countersign policy explain FILE|TOKEN`: each condition in a sentence, whether all can hold at once, and which say nothing new.
 * Exit code 0: it can hold; 1: it never can; 2: it is no policy.
 */
export function explainPolicy(what: string, flags: PolicyFlags): void {
  const policy = readPolicy(what, flags)
  const { conditions } = policy
  const words = wordsOf(flags.lang ?? 'en')
  const conflict = conflictIn(conditions)
  const sentences = sentencesOf(conditions, flags)
  const sources = conditions.map((_, i) => (conflict === undefined ? sourcesOf(conditions, i) : undefined))
  if (conflict !== undefined) process.exitCode = 1
  const lines = [
    ...(policy.isOfToken ? [words.ofToken(policy.from)] : []),
    conditions.length === 0 ? words.everything : words.policy(conditions.length),
    ...sentences.map((sentence, i) => {
      const source = sources[i]
      return `  ${i + 1}. ${sentence}${source === undefined ? '' : ` (${words.impliedBy(source)})`}`
    }),
    ...(conditions.length === 0 ? [] : [conflict === undefined ? words.can : words.cannot(conflict)]),
  ]
  const each = conditions.map((condition, i) => ({ condition, text: sentences[i], implied_by: sources[i] ?? [] }))
  if (!flags.json) printLines(lines.join('\n'))
  else printJson({ from: policy.from, can_hold: conflict === undefined, conflict: conflict ?? [], conditions: each }, 2)
}

/** Each condition in a sentence. */
export function sentencesOf(conditions: Conditions, flags: PolicyFlags): string[] {
  const words = metadataOf(flags.words)
  return conditions.map(condition => shown(explainCondition(condition, { language: flags.lang ?? 'en', words })))
}

/** The metadata of the resource, which describes its scopes, purposes and operations. */
function metadataOf(path: string | undefined): Words | undefined {
  if (path === undefined) return undefined
  if (!isFile(path)) throw new UsageError(`--words: there is no file ${path}`)
  const value = parseText(readText(path), path)
  if (!isObject(value) || typeof value['resource'] !== 'string')
    throw new UsageError(`${path} must hold the metadata of a resource (/.well-known/aauth-resource)`)
  return value as Words
}

/** Numbers of conditions that no request meets together, of which none can be left out; undefined: there is such a request. */
function conflictIn(conditions: Conditions): readonly number[] | undefined {
  if (!conflicts(conditions)) return undefined
  const needed = conditions.reduceRight<number[]>(
    (kept, _, i) => {
      const others = kept.filter(number => number !== i + 1)
      return conflicts(pick(conditions, others)) ? others : kept
    },
    conditions.map((_, i) => i + 1),
  )
  return needed
}

/** Numbers of the conditions from which this one follows: one alone where that is enough; undefined: it says something new. */
function sourcesOf(conditions: Conditions, index: number): readonly number[] | undefined {
  const condition = pick(conditions, [index + 1])
  // Of two that follow from each other the first stands for both.
  const isRedundant = (i: number): boolean =>
    i !== index &&
    implies(pick(conditions, [i + 1]), condition) &&
    (i < index || !implies(condition, pick(conditions, [i + 1])))
  const alone = conditions.findIndex((_, i) => isRedundant(i))
  if (alone !== -1) return [alone + 1]
  const others = conditions.map((_, i) => i + 1).filter(number => number !== index + 1)
  if (!implies(pick(conditions, others), condition)) return undefined
  const needed = others.reduceRight<number[]>((kept, number) => {
    const fewer = kept.filter(one => one !== number)
    return implies(pick(conditions, fewer), condition) ? fewer : kept
  }, others)
  // It holds whatever the others say, such as a chain of at most five.
  return needed.length === 0 ? undefined : needed
}

function pick(conditions: Conditions, numbers: readonly number[]): Conditions {
  return numbers.flatMap(number => conditions[number - 1] ?? [])
}

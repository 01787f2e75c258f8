import { type Conditions, type Difference, differences } from '@countersign/conditions'
import { printJson, printLines, shown } from '@countersign/fetch/internal'
import { writtenRequest } from './considered.js'
import { type PolicyFlags, sentencesOf } from './explain.js'
import { readPolicy } from './read-policy.js'
import { requestInWords, wordsOf } from './words.js'

interface Named {
  readonly name: string
  readonly conditions: Conditions
}

/**
 * `countersign policy compare OLD NEW`: what becomes possible and what becomes impossible, each with one request.
 * Exit code 0: both allow the same requests; 1: they differ; 2: one is no policy.
 */
export function comparePolicies(old: string, other: string, flags: PolicyFlags): void {
  const before: Named = { name: shownName(old), conditions: readPolicy(old, flags).conditions }
  const after: Named = { name: shownName(other), conditions: readPolicy(other, flags).conditions }
  const possible = differences(after.conditions, before.conditions)
  const impossible = differences(before.conditions, after.conditions)
  const same = possible.length + impossible.length === 0
  if (!same) process.exitCode = 1
  const words = wordsOf(flags.lang ?? 'en')
  const lines = [
    ...linesOf(words.possible, { found: possible, refusing: before, flags }),
    ...linesOf(words.impossible, { found: impossible, refusing: after, flags }),
  ]
  if (!flags.json) printLines(same ? words.same : lines.join('\n'))
  else {
    const json = { becomes_possible: jsonOf(possible, before), becomes_impossible: jsonOf(impossible, after) }
    printJson({ same, ...json }, 2)
  }
}

/** A token has no name that may be printed. */
function shownName(what: string): string {
  return shown(/^[\w-]+\.[\w-]*\.[\w-]*$/.test(what) && what.length > 100 ? 'the token' : what)
}

interface Part {
  readonly found: readonly Difference[]
  readonly refusing: Named
  readonly flags: PolicyFlags
}

function linesOf(title: string, { found, refusing, flags }: Part): string[] {
  const words = wordsOf(flags.lang ?? 'en')
  if (found.length === 0) return [`${title} ${words.nothing}`]
  const sentences = sentencesOf(
    found.map(({ refusedBy }) => refusedBy),
    flags,
  )
  return [
    title,
    ...found.flatMap(({ request, refusedBy }, i) => [
      `  ${requestInWords(request, refusedBy, words)}`,
      `    ${words.because(refusing.name, refusing.conditions.indexOf(refusedBy) + 1, sentences[i] ?? '')}`,
    ]),
  ]
}

function jsonOf(found: readonly Difference[], refusing: Named): object[] {
  return found.map(({ refusedBy, request }) => ({
    refused_by: refusing.conditions.indexOf(refusedBy) + 1,
    condition: refusedBy,
    request: writtenRequest(request),
  }))
}

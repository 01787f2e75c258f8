import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasons } from '@countersign/protocol/reasons'
import { root } from '../processes.fixture.js'
import { isLong } from '../tier.fixture.js'

/** Reasons of refusals over a limit. */
const overLimits = Object.entries(reasons)
  .filter(([, { codes }]) => codes.includes('rate_limited'))
  .map(([name]) => name)

/** What tells a place in the source at which something is counted, or can be had once. */
const signals: Readonly<Record<string, RegExp>> = {
  'a refusal over a limit': new RegExp(`'rate_limited'|refusal\\('(?:${overLimits.join('|')})'`),
  'a count in SQL': /countAll[(<]|fn\.count\b/,
  'a conditional write that says whether it was first': /num(?:Deleted|Updated|InsertedOrUpdated|Affected)Rows/,
  // Of collections: a length is mostly that of a text which is parsed.
  'a bound on what is held':
    /(?:\.size(?:\(\))?|\bwaiting\.length) ?>=? ?(?:this\.#)?(?:most|max|capacity|options\.|limits|o\.|per[A-Z])/,
  'a count against a bound':
    /\b(?:count|misses|waiting|underWay|held|total|ofAgent|pending)\)? ?(?:<|>=) ?(?:most|max|quota|pendingLimit|per[A-Z])/,
  'something that is taken once': /^\s*(?:async )?(?:take|redeem|claim|replace|use)\(.*\{$/,
}

/** A source file, and the signals in it. */
export interface Place {
  /** From `packages/`. */
  readonly file: string
  readonly signals: readonly string[]
  readonly text: string
}

/** Every source file of the packages in which something is counted or taken. */
export function countingPlaces(): readonly Place[] {
  return readdirSync(join(root, 'packages')).flatMap(name => {
    const folder = join(root, 'packages', name, 'src')
    return readdirSync(folder, { recursive: true })
      .map(String)
      .filter(file => /\.tsx?$/.test(file) && !/\.test\.|fixture|\.d\.ts$/.test(file))
      .map(file => ({ file: `${name}/${file}`, text: code(readFileSync(join(folder, file), 'utf8')) }))
      .map(place => ({ ...place, signals: signalsIn(place.text) }))
      .filter(place => place.signals.length > 0)
  })
}

function signalsIn(text: string): string[] {
  const lines = text.split('\n')
  return Object.entries(signals).flatMap(([name, pattern]) => (lines.some(line => pattern.test(line)) ? [name] : []))
}

/** The text without comments, which count nothing. */
function code(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/(^|\s)\/\/.*$/gm, '')
}

/** How it is known of a place that it counts first: by a burst, by the text itself, or since it bounds nothing that a stranger can have. */
export type Standing =
  | { readonly bursts: readonly string[] }
  /** Its text has no `await`: between its check and its count nothing else runs. */
  | { readonly sync: true }
  /** Counts nothing by itself, or nothing of a stranger's; says why. */
  | { readonly passes: string }

/** At once, at two instances: more than any bound that is tried. */
export const crowd: number = isLong ? 600 : 120

/** Acts of a crowd that come at once; tells how many passed. What refuses, rejects or is overloaded did not. */
export async function burst(act: (n: number) => Promise<boolean>, length: number = crowd): Promise<number> {
  const settled = await Promise.allSettled(Array.from({ length }, (_, n) => act(n)))
  const faults = settled.flatMap(each => (each.status === 'rejected' && !isRefusal(each.reason) ? [each.reason] : []))
  if (faults.length > 0) throw faults[0]
  return settled.filter(each => each.status === 'fulfilled' && each.value).length
}

/** A refusal by rule, or of a database that has too much to do; anything else is a fault of the test. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'AAuthError' || (error.name === 'StoreError' && 'transient' in error && error.transient === true)
  )
}

import { shownValue } from '../component/shown.js'
import type { VerifyKey } from '../key/verify-key.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import type { SignatureFinding } from './finding.js'
import type { ReadHeaders } from './headers.js'
import { baseOf, type Reading } from './reading.js'
import type { Variant } from './variant.js'
import { variantsOf } from './variants.js'

/** The message, its headers and the key to verify with. */
export interface RepairSource {
  readonly options: {
    readonly message: ReceivedMessage
    readonly authorities: readonly string[]
    readonly otherKeys?: readonly VerifyKey[]
  }
  readonly headers: ReadHeaders
  readonly reading: Reading
  readonly key: VerifyKey | undefined
}

/** Whether the signature verifies, and with which changes. */
export interface Repair {
  readonly signature: 'right' | 'changed' | 'wrong' | 'unchecked'
  readonly findings: readonly SignatureFinding[]
  readonly tried: number
}

const mostTries = 100
// The number of pairs grows with the square: only the first variants of each part are combined.
const pairedOfOnePart = 3

interface Trial {
  readonly holds: (reading: Reading) => Promise<boolean>
  readonly tried: () => number
}

/** Verifies readings, each distinct one once, up to the limit of tries. */
function trialOf(source: RepairSource): Trial {
  const { message } = source.options
  const components = source.headers.input?.components ?? []
  // bound: one call
  const seen = new Set<string>()
  const encoder = new TextEncoder()
  return {
    async holds(reading) {
      const base = baseOf(components, reading, message)
      if (base === undefined || seen.size >= mostTries) return false
      const identity = `${reading.key.thumbprint} ${reading.signature.length} ${base}`
      if (seen.has(identity)) return false
      seen.add(identity)
      return reading.key.verify(encoder.encode(base), reading.signature)
    },
    tried: () => seen.size,
  }
}

function applyVariants(reading: Reading, ...variants: readonly Variant[]): Reading {
  const fields = Object.assign({}, ...variants.map(variant => variant.reading.fields ?? {}))
  return Object.assign({}, reading, ...variants.map(variant => variant.reading), { fields })
}

function partOf(variant: Variant): string {
  return `${Object.keys(variant.reading).join()} ${Object.keys(variant.reading.fields ?? {}).join()}`
}

function* pairsOf(variants: readonly Variant[]): Generator<readonly [Variant, Variant]> {
  const counts = new Map<string, number>()
  const likely = variants.filter(variant => {
    const part = partOf(variant)
    const count = (counts.get(part) ?? 0) + 1
    counts.set(part, count)
    return count <= pairedOfOnePart
  })
  for (let sum = 1; sum < 2 * likely.length; sum++)
    for (let i = 0; i < sum - i; i++) {
      const [first, second] = [likely[i], likely[sum - i]]
      if (first !== undefined && second !== undefined && partOf(first) !== partOf(second)) yield [first, second]
    }
}

function receivedValue(at: string, { reading, options }: RepairSource): string | undefined {
  switch (at) {
    case '@method':
      return reading.method
    case '@authority':
      return reading.authority
    case '@scheme':
      return reading.scheme
    case '@path':
      return reading.path
    case '@query':
      return reading.query ?? ''
    case '@signature-params':
      return reading.parameters
    case 'signature':
      return undefined
    default: {
      const lines = headerValues(options.message, at).map(trimOws)
      return lines.length === 0 ? undefined : lines.join(', ')
    }
  }
}

function findingOf(variant: Variant, source: RepairSource): SignatureFinding {
  const { reason, at, change, signed } = variant
  const identifier = `"${at}"`
  const came = reason === 'key_wrong' ? `key ${source.reading.key.thumbprint}` : receivedValue(at, source)
  return {
    reason,
    at,
    change,
    ...(came !== undefined && signed !== undefined && { received: shownValue(identifier, came) }),
    ...(signed !== undefined && { expected: shownValue(identifier, signed) }),
  }
}

const unexplained: SignatureFinding = {
  reason: 'unexplained',
  at: 'signature',
  change:
    'compare the signature base with that of the signer, byte by byte: no usual mistake explains the difference; the key may also be another one',
}

/** Finds one change, or a pair of changes, with which the signature verifies. */
export async function repair(source: RepairSource): Promise<Repair> {
  const { options, headers, reading, key } = source
  const { input, value, signatureKey } = headers
  if (key === undefined || input === undefined || value === undefined)
    return { signature: 'unchecked', findings: [], tried: 0 }
  const trial = trialOf(source)
  if (await trial.holds(reading)) return { signature: 'right', findings: [], tried: trial.tried() }
  const { message, authorities, otherKeys = [] } = options
  const variants = (
    await variantsOf({
      message,
      reading,
      input,
      signatureKey,
      authorities,
      otherKeys,
    })
  ).filter(({ signed, at }) => signed === undefined || signed !== receivedValue(at, source))
  for (const variant of variants)
    if (await trial.holds(applyVariants(reading, variant)))
      return { signature: 'changed', findings: [findingOf(variant, source)], tried: trial.tried() }
  for (const pair of pairsOf(variants)) {
    if (trial.tried() >= mostTries) break
    if (await trial.holds(applyVariants(reading, ...pair)))
      return { signature: 'changed', findings: pair.map(one => findingOf(one, source)), tried: trial.tried() }
  }
  // Without a base nothing can be verified; the missing component is a finding already.
  return baseOf(input.components, reading, message) === undefined
    ? { signature: 'unchecked', findings: [], tried: trial.tried() }
    : { signature: 'wrong', findings: [unexplained], tried: trial.tried() }
}

import type { SignatureDiagnosis } from '../reason/reason.js'
import type { Variant, VariantSource } from './variant.js'

type Parameter = readonly [key: string, raw: string]

const usual: ReadonlyArray<readonly string[]> = [
  ['created', 'expires', 'nonce', 'alg', 'keyid', 'tag'],
  ['created', 'keyid', 'alg', 'expires', 'nonce', 'tag'],
  ['keyid', 'alg', 'created', 'expires', 'nonce', 'tag'],
  ['alg', 'created', 'expires', 'keyid', 'nonce', 'tag'],
]

function orders(parameters: readonly Parameter[]): Array<readonly Parameter[]> {
  if (parameters.length <= 1) return []
  if (parameters.length <= 3) return permutations(parameters)
  const rank = (names: readonly string[], [key]: Parameter): number => (names.indexOf(key) + 10) % 10
  return [
    ...usual.map(names => [...parameters].sort((a, b) => rank(names, a) - rank(names, b))),
    [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)),
    [...parameters].reverse(),
  ]
}

function permutations(parameters: readonly Parameter[]): Array<readonly Parameter[]> {
  if (parameters.length <= 1) return [parameters]
  return parameters.flatMap((first, index) =>
    permutations(parameters.filter((_, other) => other !== index)).map(rest => [first, ...rest]),
  )
}

function serializeParameters(parameters: readonly Parameter[], separator = ';'): string {
  return parameters.map(([key, raw]) => `${separator}${key}=${raw}`).join('')
}

/** The parameters of a signature in other orders, spellings and values. */
export function parameterVariants({ input }: VariantSource): Variant[] {
  const { text, label, sent } = input
  const parameters: Parameter[] = [...input.raw]
  const suffix = serializeParameters(parameters)
  const list = text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text.slice(0, text.indexOf(')') + 1)
  const variant = (reason: SignatureDiagnosis, change: string, signed: string): Variant => ({
    reason,
    at: '@signature-params',
    change,
    signed,
    reading: { parameters: signed },
  })
  const order = 'write the parameters in Signature-Input in the order they were signed in'
  const spelling = 'write @signature-params as the strict serialisation of the member of Signature-Input'
  const added = 'add no parameter after signing'
  const quoted = parameters.map(([key, raw]): Parameter => [key, raw.startsWith('"') ? raw : `"${raw}"`])
  const unquoted = parameters.map(([key, raw]): Parameter => [key, raw.replaceAll('"', '')])
  return [
    ...orders(parameters).map(sorted => variant('parameters_order', order, list + serializeParameters(sorted))),
    ...(sent === text ? [] : [variant('parameters_spelling', spelling, sent)]),
    variant('parameters_spelling', spelling, list + serializeParameters(quoted)),
    variant('parameters_spelling', spelling, list + serializeParameters(unquoted)),
    variant('parameters_spelling', spelling, list + serializeParameters(parameters, '; ')),
    variant('parameters_spelling', spelling, list.replaceAll('"', '') + serializeParameters(parameters)),
    variant('parameters_spelling', spelling, list.replaceAll('" "', '", "') + serializeParameters(parameters)),
    variant('parameters_spelling', spelling, `${label}=${text}`),
    ...parameters.map(([key]) =>
      variant('parameters_added', added, list + serializeParameters(parameters.filter(([name]) => name !== key))),
    ),
    ...shiftCreated(parameters).map(other =>
      variant(
        'created_changed',
        'send the created that was signed: read the clock once per request',
        list + serializeParameters(other),
      ),
    ),
  ]
}

function shiftCreated(parameters: readonly Parameter[]): Array<readonly Parameter[]> {
  const created = Number(parameters.find(([key]) => key === 'created')?.[1])
  if (!Number.isSafeInteger(created)) return []
  return [created - 1, created + 1, created * 1000].map(other =>
    parameters.map(([key, raw]): Parameter => (key === 'created' ? [key, String(other)] : [key, raw])),
  )
}

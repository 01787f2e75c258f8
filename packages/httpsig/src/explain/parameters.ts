import type { SignatureCause } from './cause.js'
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

function written(parameters: readonly Parameter[], separator = ';'): string {
  return parameters.map(([key, raw]) => `${separator}${key}=${raw}`).join('')
}

/** The parameters of a signature in other orders, spellings and values. */
export function parameterVariants({ input }: VariantSource): Variant[] {
  const { text, label, sent } = input
  const parameters: Parameter[] = [...input.raw]
  const suffix = written(parameters)
  const list = text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text.slice(0, text.indexOf(')') + 1)
  const made = (cause: SignatureCause, change: string, signed: string): Variant => ({
    cause,
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
    ...orders(parameters).map(sorted => made('parameters-order', order, list + written(sorted))),
    ...(sent === text ? [] : [made('parameters-spelling', spelling, sent)]),
    made('parameters-spelling', spelling, list + written(quoted)),
    made('parameters-spelling', spelling, list + written(unquoted)),
    made('parameters-spelling', spelling, list + written(parameters, '; ')),
    made('parameters-spelling', spelling, list.replaceAll('"', '') + written(parameters)),
    made('parameters-spelling', spelling, list.replaceAll('" "', '", "') + written(parameters)),
    made('parameters-spelling', spelling, `${label}=${text}`),
    ...parameters.map(([key]) =>
      made('parameters-added', added, list + written(parameters.filter(([name]) => name !== key))),
    ),
    ...shifted(parameters).map(other =>
      made(
        'created-changed',
        'send the created that was signed: read the clock once per request',
        list + written(other),
      ),
    ),
  ]
}

function shifted(parameters: readonly Parameter[]): Array<readonly Parameter[]> {
  const created = Number(parameters.find(([key]) => key === 'created')?.[1])
  if (!Number.isSafeInteger(created)) return []
  return [created - 1, created + 1, created * 1000].map(other =>
    parameters.map(([key, raw]): Parameter => (key === 'created' ? [key, String(other)] : [key, raw])),
  )
}

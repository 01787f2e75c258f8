import { headerValues, parseSignatureKey, type ReceivedMessage } from '@countersign/httpsig'
import { type ReceivedComponent, receivedBase } from '@countersign/httpsig/internal'
import type { AnalyzedComponent, AnalyzedParameter, AnalyzedSignature, BaseLine } from './analysis.js'
import { moment } from './time.js'

/** Where a request was received. */
export interface Place {
  readonly authority: string
  readonly scheme: 'https' | 'http'
}

/** What the signature of a request covers, and its base; undefined when it has none that can be read. */
export function analyzeSignature(message: ReceivedMessage, place: Place, now: number): AnalyzedSignature | undefined {
  const received = receivedBase(message, place.authority, place.scheme)
  if (received === undefined) return undefined
  const components = received.components.map(
    (component, color): AnalyzedComponent => ({ ...sourceOf(component), ...valueIn(component), color }),
  )
  return {
    label: received.label,
    components,
    base: received.base === undefined ? [] : linesOf(received.base, components.length),
    parameters: received.parameters.map(([name, value]) => parameterOf(name, value, now)),
    key: keyWords(message),
  }
}

function valueIn({ name, value }: ReceivedComponent): Pick<AnalyzedComponent, 'name' | 'value'> {
  return value === undefined ? { name } : { name, value }
}

function sourceOf({ field }: ReceivedComponent): Pick<AnalyzedComponent, 'from' | 'header'> {
  switch (field) {
    case '@authority':
      return { from: 'the receiver’s own name, which Host must agree with', header: 'host' }
    case '@method':
      return { from: 'the request line: its method' }
    case '@path':
      return { from: 'the request line: its path' }
    case '@query':
      return { from: 'the request line: its query' }
    case '@scheme':
      return { from: 'the receiver’s own scheme' }
    default:
      return field.startsWith('@') ? { from: 'the request line' } : { from: `the header ${field}`, header: field }
  }
}

/** The base line by line. No value holds a line break: each component has one line, in its order. */
function linesOf(base: string, count: number): BaseLine[] {
  return base.split('\n').map((text, color) => (color < count ? { text, color } : { text }))
}

function parameterOf(name: string, value: string, now: number): AnalyzedParameter {
  return { name, value, words: parameterWords(name, value, now) }
}

function parameterWords(name: string, value: string, now: number): string {
  switch (name) {
    case 'created':
      return `Signed at ${moment(Number(value), now)}. A receiver accepts 60 s of difference.`
    case 'expires':
      return `The signer wants it refused after ${moment(Number(value), now)}.`
    case 'nonce':
      return 'A random text, so that two equal requests have different signatures. The receiver lets each pass once.'
    case 'alg':
      return 'The algorithm, which must be that of the key: the key decides.'
    case 'keyid':
      return 'A name of the key. AAuth does not use it: Signature-Key says which key.'
    case 'tag':
      return 'Marks a signature of another protocol. AAuth refuses it here.'
    default:
      return 'A parameter that AAuth does not use. It is signed like the others.'
  }
}

/** How a request names its key, in words. */
export function keyWords(message: ReceivedMessage): string {
  try {
    const { key } = parseSignatureKey((headerValues(message, 'signature-key')[0] ?? '').trim())
    if (key.scheme === 'hwk')
      return 'hwk: the public key is in the request. The receiver learns that the same key came back, and no name.'
    if (key.scheme === 'jwks_uri')
      return `jwks_uri: the key ${key.kid} that ${key.id} publishes. The receiver fetches it there, so the agent has a name.`
    return 'jwt: a token says whose key this is. The key is in its claim cnf, so only the holder of that key can use the token.'
  } catch {
    return 'Signature-Key cannot be read.'
  }
}

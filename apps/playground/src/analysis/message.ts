import { headerValues, parseSignatureKey, type ReceivedMessage } from '@countersign/httpsig'
import { isSigned } from '@countersign/httpsig/internal'
import { authorityOf, wellKnownUrl } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import type { ShownMessage } from '../explorer/contract.js'
import type { AnalyzedCheck, MessageAnalysis } from './analysis.js'
import { analyzeChallenge } from './challenge.js'
import { type Answer, checksOf } from './checks.js'
import { judge } from './judge.js'
import { documentsAt, type Known, publishedKeys, urlOf } from './known.js'
import { receivedRequest } from './received.js'
import { analyzeSignature } from './signature.js'
import { type Judged, stepsFor } from './steps.js'
import { analyzeTokens, halvesOf } from './tokens.js'

/** Takes a recorded message apart, and repeats the checks of its receiver at the time of the message. */
export async function analyzeMessage(shown: ShownMessage, known: Known): Promise<MessageAnalysis> {
  const { message } = receivedRequest(shown)
  const receiver = urlOf(shown.to, known)
  const authority =
    receiver === undefined ? (headerValues(message, 'host')[0] ?? '').toLowerCase() : authorityOf(receiver)
  const scheme = receiver?.startsWith('https:') ? 'https' : 'http'
  const judged = await judge({
    message,
    authorities: [authority],
    scheme,
    receiver,
    now: shown.at,
    development: true,
    requiredComponents: componentsOf(receiver, known),
    keysOf: (document, id, kid) => publishedKeys(document, { id, kid }, known),
  })
  const signature = analyzeSignature(message, { authority, scheme }, shown.at)
  const value = headerValues(shown.response, 'agent-auth').join(', ')
  const isOpen = !isSigned(message) && (shown.kind === 'discovery' || shown.kind === 'page')
  const checks = isOpen ? [] : checksOf(stepsFor(kindOf(shown, message)), judged, answerOf(shown))
  return {
    signature,
    tokens: await analyzeTokens(halvesOf(shown), shown.at),
    ...(value === '' ? {} : { challenge: analyzeChallenge(value) }),
    checks,
    ...verdictOf(shown, checks),
  }
}

/** Components that a resource asks for beyond those of the protocol: its metadata says which. */
function componentsOf(receiver: string | undefined, known: Known): string[] {
  if (receiver === undefined) return []
  const [metadata] = documentsAt(wellKnownUrl(receiver, 'aauth-resource'), known)
  const components = metadata?.['additional_signature_components']
  return Array.isArray(components) ? components.filter(name => typeof name === 'string') : []
}

const endpoints = /^\/(?:agent\/|delegate\/|aauth\/|device|jwks|\.well-known\/)/

function kindOf({ request, to }: ShownMessage, message: ReceivedMessage): Judged {
  const isEndpoint =
    endpoints.test(request.target) || to === 'auth-server' || to === 'rooms-auth-server' || to === 'agent-server'
  return { scheme: schemeOf(message), hasBody: request.body !== '', receiver: isEndpoint ? 'endpoint' : 'guard' }
}

/** How the key of a request is named. */
export function schemeOf(message: ReceivedMessage): Judged['scheme'] {
  if (!isSigned(message)) return 'none'
  try {
    return parseSignatureKey((headerValues(message, 'signature-key')[0] ?? '').trim()).key.scheme
  } catch {
    return 'unreadable'
  }
}

/** What the receiver answered: a refusal has a reason, by which it is told from the answers of its handlers. */
function answerOf({ response }: ShownMessage): Answer {
  const { status, body } = response
  const refusal = status < 400 ? undefined : refusalIn(body)
  return refusal === undefined ? { status } : { status, refusal }
}

function refusalIn(body: string): Answer['refusal'] {
  const { error, reason, error_description: description } = errorIn(body)
  if (typeof error !== 'string') return undefined
  return { reason: typeof reason === 'string' ? reason : error, description: String(description ?? error) }
}

/** The members of an error response; MCP has them in the data of a JSON-RPC error. */
function errorIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    if (!isObject(value)) return {}
    const { error } = value
    if (!isObject(error)) return value
    return isObject(error['data']) ? { error_description: error['message'], ...error['data'] } : {}
  } catch {
    return {}
  }
}

function verdictOf(shown: ShownMessage, checks: readonly AnalyzedCheck[]): Pick<MessageAnalysis, 'verdict' | 'ok'> {
  const failed = checks.find(({ result }) => result === 'failed')
  if (failed !== undefined) {
    const what =
      headerValues(shown.response, 'agent-auth').length > 0 ? 'The receiver asks for more' : 'The receiver refused it'
    return { ok: false, verdict: `${what}, at “${failed.title}”: ${failed.finding}` }
  }
  if (checks.length === 0) return openVerdict(shown.response.status)
  const signed = checks.some(({ id }) => id === 'signature')
  return {
    ok: true,
    verdict: signed
      ? 'The receiver made these checks, and let it pass.'
      : 'It is not signed. The receiver lets such requests pass here.',
  }
}

/** What is said of a request that nobody has to sign. */
function openVerdict(status: number): Pick<MessageAnalysis, 'verdict' | 'ok'> {
  const unsigned = 'This request is not signed, and need not be: it is a public document, or a page for a browser.'
  return status < 400
    ? { ok: true, verdict: unsigned }
    : { ok: false, verdict: `${unsigned} The receiver answered it with ${status}.` }
}

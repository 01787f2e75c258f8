import {
  explainSignature,
  headerValues,
  importVerifyKey,
  parsePublicJwk,
  parseSignatureKey,
  type ReceivedMessage,
  type SignatureExplanation,
  type VerifyKey,
} from '@countersign/httpsig'
import { isSigned, parseRawRequest, RawMessageError, rawHeader, rawParts } from '@countersign/httpsig/internal'
import { parseToken } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import type { AnalyzedCheck, PasteAnalysis, PasteFinding } from './analysis.js'
import { checksOf } from './checks.js'
import { clauseOf, reasonWords } from './clause.js'
import { judge } from './judge.js'
import { schemeOf } from './message.js'
import { differences, looksLikeBase } from './paste-base.js'
import { findingsOf, type PasteContext, takeChallengeApart } from './paste-token.js'
import { analyzeSignature, type Place } from './signature.js'
import { stepsFor } from './steps.js'
import { analyzeTokens } from './tokens.js'

/** Judges a raw HTTP request. @param authority the receiver's own; default that of Host */
export async function takeRequestApart(
  text: string,
  context: PasteContext,
  authority?: string,
): Promise<PasteAnalysis> {
  const raw = readRaw(() => parseRawRequest(new TextEncoder().encode(text)))
  if (typeof raw === 'string') return unreadable(raw)
  const { message: whole, notes } = raw
  const { message, base } = withoutBase(whole)
  const place = placeOf(message, authority)
  if (place === undefined) return unreadable('It has no Host: name its receiver.')
  const receiver = `${place.scheme}://${place.authority}`
  const { now, keys } = context
  const judged = await judge({
    message,
    authorities: [place.authority],
    scheme: place.scheme,
    receiver,
    now,
    development: true,
    requiredComponents: [],
    areKeysGiven: true,
    keysOf: async (_document, _id, kid) => keys?.find(kid),
  })
  const scheme = schemeOf(message)
  const checks = checksOf(stepsFor({ scheme, hasBody: message.body !== undefined, receiver: 'none' }), judged)
  const signature = analyzeSignature(message, place, now)
  const explained = isSigned(message) ? await explain(message, place, context) : undefined
  const signed = signature?.base.map(line => line.text).join('\n')
  const findings = [...findingsIn(explained, checks), ...(base === undefined ? [] : differences(base, signed ?? ''))]
  return {
    kind: 'request',
    ok: findings.length === 0,
    checks,
    findings,
    headers: message.headers,
    tokens: await analyzeTokens([{ headers: message.headers, body: bodyText(message), where: 'the request' }], now),
    signature,
    verdict: verdictOf(explained, checks, findings),
    notes: [
      ...notesOf(place, authority),
      ...(findings.length === 0 ? [unseen] : []),
      ...notes.map(note => `Note that ${note}.`),
    ],
  }
}

const unseen = 'Whether it was sent before, only its receiver knows: each signature passes once.'

function readRaw<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof RawMessageError) return `${error.message}.`
    throw error
  }
}

function unreadable(wrong: string): PasteAnalysis {
  const right = 'Paste the request line, the header lines, an empty line, and the body.'
  const finding = { reason: 'http_malformed', wrong: wrong.slice(0, 1).toUpperCase() + wrong.slice(1), right }
  return { kind: 'request', ok: false, verdict: 'This request cannot be read.', findings: [finding], notes: [] }
}

const bodyText = ({ body }: ReceivedMessage): string => (body === undefined ? '' : new TextDecoder().decode(body))

/** A signature base below a request without a body is what its signer has signed: it is compared, and is no body. */
function withoutBase(message: ReceivedMessage): { readonly message: ReceivedMessage; readonly base?: string } {
  const text = bodyText(message)
  if (!looksLikeBase(text) || headerValues(message, 'content-digest').length > 0) return { message }
  const { body: _, ...head } = message
  return { message: head, base: text.trim() }
}

function placeOf(message: ReceivedMessage, given: string | undefined): Place | undefined {
  const named = (given ?? headerValues(message, 'host')[0])?.toLowerCase().trim()
  if (named === undefined || !/^[a-z0-9.:[\]_-]{1,255}$/.test(named)) return undefined
  const scheme = /^(?:localhost|127\.|\[::1\])/.test(named) ? 'http' : 'https'
  return { scheme, authority: named.replace(scheme === 'https' ? /:443$/ : /:80$/, '') }
}

function notesOf({ authority, scheme }: Place, given: string | undefined): string[] {
  const from =
    given === undefined ? 'from Host, which a real receiver never trusts; you may name its own' : 'as you say'
  return [`Judged as ${scheme}://${authority} (${from}).`]
}

async function explain(
  message: ReceivedMessage,
  { authority, scheme }: Place,
  { now, keys }: PasteContext,
): Promise<SignatureExplanation> {
  const key = await holderKey(message, keys)
  const otherKeys = (keys?.all ?? []).filter(({ thumbprint }) => thumbprint !== key?.thumbprint).slice(0, 10)
  return explainSignature({
    message,
    authorities: [authority],
    scheme,
    now: () => now,
    otherKeys,
    ...(key === undefined ? {} : { key }),
  })
}

/** The key that a request must be signed with, as far as it is known; undefined also for an inline key, which is in the request. */
async function holderKey(message: ReceivedMessage, keys: PasteContext['keys']): Promise<VerifyKey | undefined> {
  try {
    const { key } = parseSignatureKey((headerValues(message, 'signature-key')[0] ?? '').trim())
    if (key.scheme === 'jwks_uri') return keys?.find(key.kid)[0]
    if (key.scheme === 'hwk') return undefined
    const { cnf } = parseToken(key.jwt, ['auth+jwt', 'agent+jwt', 'resource+jwt'], { development: true }).payload
    return await importVerifyKey(parsePublicJwk(isObject(cnf) ? cnf['jwk'] : undefined))
  } catch {
    return undefined
  }
}

function findingsIn(explained: SignatureExplanation | undefined, checks: readonly AnalyzedCheck[]): PasteFinding[] {
  const own = (explained?.findings ?? []).map(({ reason, at, change, received, expected }): PasteFinding => {
    const words = reasonWords(reason)
    return {
      reason,
      wrong: words?.meaning ?? '',
      right: `${change.slice(0, 1).toUpperCase()}${change.slice(1)}.`,
      at,
      received,
      expected,
      ...(words === undefined ? {} : { clause: clauseOf(words.clause) }),
    }
  })
  const named = new Set<string>(own.map(({ reason }) => reason))
  // That the signature is wrong says less than why it is.
  if (own.length > 0) named.add('signature_wrong')
  return [...own, ...findingsOf(checks).filter(({ reason }) => !named.has(reason))]
}

function verdictOf(
  explained: SignatureExplanation | undefined,
  checks: readonly AnalyzedCheck[],
  findings: readonly PasteFinding[],
): string {
  const failed = checks.find(({ result }) => result === 'failed')
  if (failed !== undefined) {
    const besides = explained?.signature === 'right' ? ' The signature itself is right.' : ''
    return `A receiver refuses this request, at “${failed.title}”: ${failed.finding}${besides}`
  }
  if (explained === undefined)
    return 'This request is not signed. It passes only where a resource lets anonymous callers in.'
  if (findings.length > 0) return 'The base that was signed is not that of this request.'
  return checks.some(({ result, id }) => result === 'not judged' && id !== 'accepted')
    ? 'Everything that can be judged here is right. Give the keys of its issuer to judge the rest.'
    : 'This request is right: its signature verifies.'
}

/** Judges the challenge or the refusal in a raw HTTP response. */
export async function takeResponseApart(text: string, context: PasteContext): Promise<PasteAnalysis> {
  const read = readRaw(() => {
    const { lines, body } = rawParts(new TextEncoder().encode(text))
    return { headers: lines.slice(1).map(rawHeader), body: new TextDecoder().decode(body) }
  })
  if (typeof read === 'string')
    return { ...unreadable(read), kind: 'response', verdict: 'This response cannot be read.' }
  const { headers, body } = read
  const reason = /"reason"\s{0,4}:\s{0,4}"(\w{1,60})"/.exec(body)?.[1]
  const words = reason === undefined ? undefined : reasonWords(reason)
  const findings =
    reason === undefined || words === undefined
      ? []
      : [{ reason, wrong: words.meaning, right: words.fix, clause: clauseOf(words.clause) }]
  const value = headerValues({ headers }, 'agent-auth').join(', ')
  const tokens = await analyzeTokens([{ headers, body, where: 'the response' }], context.now)
  if (value === '') {
    const verdict =
      words === undefined
        ? 'This response has no challenge, and no reason of a refusal.'
        : `This request was refused: ${words.meaning}`
    return { kind: 'response', ok: words === undefined, verdict, findings, notes: [], headers, tokens }
  }
  const challenge = await takeChallengeApart(value, context)
  return { ...challenge, kind: 'response', headers, tokens, findings: [...challenge.findings, ...findings] }
}

import { parseToken } from '@countersign/protocol'
import type { AnalyzedCheck, PasteAnalysis, PasteFinding } from './analysis.js'
import { analyzeChallenge } from './challenge.js'
import { checksOf } from './checks.js'
import { clauseOf, reasonWords } from './clause.js'
import type { GivenKeys } from './given-keys.js'
import { checkClaims, proveToken } from './judge-token.js'
import { judging } from './run.js'
import { analyzeToken } from './tokens.js'

/** What a pasted text is judged by. */
export interface PasteContext {
  /** Unix seconds. */
  readonly now: number
  readonly keys?: GivenKeys | undefined
  /** The identifier of the receiver. */
  readonly receiver?: string | undefined
}

/** The findings of checks that failed. */
export function findingsOf(checks: readonly AnalyzedCheck[]): PasteFinding[] {
  return checks
    .filter(({ result }) => result === 'failed')
    .map(({ reason = '', title, finding, fix = '', clause }) => ({
      reason,
      at: title,
      wrong: finding,
      right: fix,
      clause,
    }))
}

/** Judges a token by itself. */
export async function takeTokenApart(jwt: string, context: PasteContext): Promise<PasteAnalysis> {
  const { now, keys, receiver } = context
  const judged = await judging(async run => {
    const parsed = await run.check('token-form', 'It is a token of a known type, in the right form.', () =>
      parseToken(jwt, ['agent+jwt', 'auth+jwt', 'resource+jwt'], { development: true }),
    )
    await proveToken(parsed, { areKeysGiven: true, keysOf: async (_document, _id, kid) => keys?.find(kid) }, run)
    checkClaims(parsed, { now, receiver }, run)
  })
  const checks = checksOf(
    ['token-form', 'key', 'token-signature', 'token-times', 'token-audience', 'token-claims'],
    judged,
  )
  const token = await analyzeToken({ at: 'the pasted text', jwt }, now)
  const findings = findingsOf(checks)
  const ok = findings.length === 0
  const name = token?.name ?? 'text'
  return {
    kind: 'token',
    ok,
    checks,
    findings,
    tokens: token === undefined ? [] : [token],
    verdict: ok ? rightToken(name, keys !== undefined) : `This ${name} is refused: ${findings[0]?.wrong ?? ''}`,
    notes: receiver === undefined ? ['Judged for the receiver that its aud names. You may name another one.'] : [],
  }
}

function rightToken(name: string, hasKeys: boolean): string {
  return hasKeys
    ? `This ${name} is in order, and its issuer signed it.`
    : `This ${name} is in order. Whether its issuer signed it, only the issuer’s keys tell. You may give them.`
}

/** Judges the value of Agent-Auth, and the resource token in it. */
export async function takeChallengeApart(value: string, context: PasteContext): Promise<PasteAnalysis> {
  const challenge = analyzeChallenge(value)
  if (challenge.wrong !== undefined) return { ...wrongChallenge(challenge.wrong), challenge }
  const jwt = /resource_token="([\w.-]+)"/.exec(value)?.[1]
  const token = jwt === undefined ? undefined : await takeTokenApart(jwt, { ...context, receiver: serverIn(value) })
  const { checks, tokens, findings = [], ok = true } = token ?? {}
  return {
    kind: 'challenge',
    ok,
    challenge,
    findings,
    notes: [],
    ...(checks === undefined ? {} : { checks }),
    ...(tokens === undefined ? {} : { tokens }),
    verdict: ok
      ? `This challenge asks an agent: ${challenge.asks}`
      : 'An agent does not follow this challenge: its resource token is wrong.',
  }
}

const serverIn = (value: string): string | undefined => /auth_server="([^"]*)"/.exec(value)?.[1]

function wrongChallenge(description: string): PasteAnalysis {
  const reason = 'agent_auth_malformed'
  const { fix = '', clause = 'challenge' } = reasonWords(reason) ?? {}
  const finding = { reason, wrong: `${description}.`, right: fix, clause: clauseOf(clause) }
  return {
    kind: 'challenge',
    ok: false,
    verdict: 'An agent does not understand this challenge.',
    findings: [finding],
    notes: [],
  }
}

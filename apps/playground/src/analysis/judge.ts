import {
  HttpSigError,
  importVerifyKey,
  type OpenedSignature,
  openSignature,
  parsePublicJwk,
  type ReceivedMessage,
  type SignatureKey,
  type VerifyKey,
  verifySignature,
} from '@countersign/httpsig'
import { checkTarget, chooseAuthority, isSigned, verifyBody } from '@countersign/httpsig/internal'
import {
  AAuthError,
  isIdentifier,
  type ParsedToken,
  parseToken,
  verifyTokenSignature,
  type WellKnownDocument,
} from '@countersign/protocol'
import { checkTokenClaims, tokenWords } from '@countersign/protocol/internal/words'
import { type StepId, stepOfReason } from './steps.js'

/** How a check ended when it was repeated here. */
export interface Judgement {
  /** `unknown`: what the check needs is not known here. */
  readonly result: 'passed' | 'failed' | 'unknown'
  /** What was found, in one sentence. */
  readonly finding: string
  readonly reason?: string
  readonly ms?: number
  readonly together?: true
  /** The clause, where it is another than that of the check. */
  readonly clause?: string
}

/** What a request is judged by. */
export interface JudgeOptions {
  readonly message: ReceivedMessage
  readonly authorities: readonly string[]
  readonly scheme: 'https' | 'http'
  /** The identifier of the receiver; absent: the receiver that a token names. */
  readonly receiver?: string | undefined
  /** Unix seconds. */
  readonly now: number
  readonly development: boolean
  readonly requiredComponents: readonly string[]
  /** The keys that a participant published under a `kid`; undefined when its key set is not known. */
  keysOf(document: WellKnownDocument, id: string, kid: string): Promise<readonly VerifyKey[] | undefined>
  /** The keys are those that a person gave, and nobody has published them. Default: false. */
  readonly areKeysGiven?: boolean
}

type KeySource = Pick<JudgeOptions, 'keysOf' | 'areKeysGiven'>

/** What was found out about a key. */
function keyFinding({ areKeysGiven }: KeySource, id: string, kid: string): string {
  return areKeysGiven ? `The keys that were given have the key ${kid}.` : `${id} publishes the key ${kid}.`
}

function unknownKeys({ areKeysGiven }: KeySource, id: string): string {
  return areKeysGiven ? `The keys of ${id} were not given.` : `What ${id} publishes is not known here.`
}

function noKey({ areKeysGiven }: KeySource, owner: 'agent' | 'issuer'): string {
  return areKeysGiven ? 'none of the keys that were given has this kid' : `the ${owner} publishes no key with this kid`
}

/** The judgements of the checks that were repeated; what is missing was not reached. */
export type Judgements = ReadonlyMap<StepId, Judgement>

/** Repeats the checks of a verifier on a request, in its order, with the functions that a verifier uses. Stops at the first that fails. */
export async function judge(options: JudgeOptions): Promise<Judgements> {
  const run = new Run()
  try {
    await judgeAll(options, run)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return run.done
}

async function judgeAll(options: JudgeOptions, run: Run): Promise<void> {
  const { message, authorities, scheme } = options
  await run.check('request', 'Method and target have one reading.', () => checkTarget(message))
  await run.check('authority', `It is for ${authorities.join(', ')}.`, () =>
    chooseAuthority(message, authorities, scheme),
  )
  if (!isSigned(message)) return
  const opened = await open(options, run)
  const key = await findKey(opened.signatureKey, options, run)
  await proveBody(opened, run)
  if (key === undefined) return run.unknown('signature', 'The key is not known here.')
  const { body: _, ...head } = message
  await run.check('signature', `It verifies under the ${key.algorithm} key ${key.thumbprint}.`, () =>
    verifySignature({ ...opened, message: head }, key),
  )
}

/** What openSignature checks at once, told apart by the reason of its refusal. */
const opening: ReadonlyArray<readonly [StepId, string]> = [
  ['headers', 'Signature-Input, Signature and Signature-Key are there, and have one label.'],
  ['times', 'The time in created is within 60 s of the receiver’s clock.'],
  ['coverage', 'Everything that this request must cover is covered.'],
]

async function open(options: JudgeOptions, run: Run): Promise<OpenedSignature> {
  const { message, authorities, scheme, now, requiredComponents } = options
  const begun = performance.now()
  const opened = fault(() => openSignature(message, { authorities, scheme, now: () => now, requiredComponents }))
  const ms = performance.now() - begun
  const refusal = 'fault' in opened ? opened.fault : undefined
  const failed =
    refusal === undefined
      ? opening.length
      : Math.max(
          0,
          opening.findIndex(([id]) => id === stepOfReason(refusal.reason)),
        )
  for (const [index, [id, finding]] of opening.entries()) {
    if (index === failed) run.fail(id, refusal as Refusal, { ms, together: true })
    run.done.set(id, { result: 'passed', finding, ms, together: true })
  }
  if ('fault' in opened) throw new Stopped()
  return opened.value
}

const acceptance = 'Which signers it accepts, only a receiver knows.'

async function findKey(named: SignatureKey, options: JudgeOptions, run: Run): Promise<VerifyKey | undefined> {
  if (named.scheme !== 'jwt') run.unknown('accepted', acceptance)
  switch (named.scheme) {
    case 'hwk':
      return run.check('inline-key', 'It is complete, and of an algorithm that is supported.', () =>
        importVerifyKey(named.jwk),
      )
    case 'jwks_uri':
      return publishedKey(named, options, run)
    case 'jwt':
      return tokenKey(named.jwt, options, run)
  }
}

async function publishedKey(
  { id, kid, dwk }: SignatureKey & { readonly scheme: 'jwks_uri' },
  options: JudgeOptions,
  run: Run,
): Promise<VerifyKey | undefined> {
  const { development, keysOf } = options
  await run.check('key', '', () => {
    if (dwk === 'aauth-agent' && isIdentifier(id, { development })) return
    throw new AAuthError('invalid_signature', 'id must be an identifier, and dwk must be aauth-agent', {
      reason: 'signature_key_malformed',
    })
  })
  const found = await run.timed(() => keysOf('aauth-agent', id, kid))
  const [key] = found.value ?? []
  if (found.value === undefined) run.unknown('key', unknownKeys(options, id))
  else if (key === undefined) run.fail('key', { reason: 'key_unknown', description: noKey(options, 'agent') }, found)
  else run.pass('key', keyFinding(options, id, kid), found)
  return key
}

async function tokenKey(jwt: string, options: JudgeOptions, run: Run): Promise<VerifyKey | undefined> {
  const { development, now, receiver } = options
  const parsed = await run.check('token-form', 'It is a token of a type that signs requests.', () =>
    parseToken(jwt, ['auth+jwt', 'agent+jwt'], { development }),
  )
  run.unknown('accepted', acceptance)
  await proveToken(parsed, options, run)
  await checkClaims(parsed, { now, receiver }, run)
  const { cnf } = parsed.payload
  return importVerifyKey(parsePublicJwk((cnf as { readonly jwk: unknown }).jwk))
}

/** Finds the key of a token's issuer, and verifies the token under it. */
export async function proveToken(parsed: ParsedToken, source: KeySource, run: Run): Promise<void> {
  const { typ, iss, kid } = parsed
  const found = await run.timed(() => source.keysOf(tokenWords[typ].publishedIn, iss, kid))
  if (found.value === undefined) {
    run.unknown('key', unknownKeys(source, iss))
    return run.unknown('token-signature', 'The key of its issuer is not known here.')
  }
  const [first, ...older] = found.value
  if (first === undefined)
    return run.fail('key', { reason: 'token_key_unknown', description: noKey(source, 'issuer') }, found)
  run.pass('key', keyFinding(source, iss, kid), found)
  await run.check('token-signature', `The issuer signed it with its key ${kid}.`, async () => {
    // A key may have been replaced under its kid since.
    for (const key of older) if ((await verifyTokenSignature(parsed, key).catch(() => 'wrong')) === undefined) return
    await verifyTokenSignature(parsed, first)
  })
}

const claimSteps: ReadonlyArray<readonly [StepId, string]> = [
  ['token-times', 'It has begun and not ended, and lives no longer than its type may.'],
  ['token-audience', 'It is for this receiver.'],
  ['token-claims', 'Every claim has its form, and cnf has the key.'],
]

/** Checks the claims of a token, told apart by the reason of the refusal. */
export async function checkClaims(
  parsed: ParsedToken,
  at: { readonly now: number; readonly receiver?: string | undefined },
  run: Run,
): Promise<void> {
  const begun = performance.now()
  const checked = fault(() => checkTokenClaims(parsed, at.now, at.receiver))
  const ms = performance.now() - begun
  const refusal = 'fault' in checked ? checked.fault : undefined
  const failed = refusal === undefined ? claimSteps.length : claimStep(refusal.reason)
  for (const [index, [id, finding]] of claimSteps.entries()) {
    if (index === failed) return run.fail(id, refusal as Refusal, { ms, together: true })
    run.done.set(id, { result: 'passed', finding, ms, together: true, ...clauseOfAudience(id, parsed) })
  }
}

/** Each type of token has a rule of its own for its receivers. */
function clauseOfAudience(id: StepId, { typ }: ParsedToken): Pick<Judgement, 'clause'> {
  const clause = tokenWords[typ].claims['aud']?.clause
  return id === 'token-audience' && clause !== undefined ? { clause } : {}
}

function claimStep(reason: string): number {
  const index = claimSteps.findIndex(([id]) => id === stepOfReason(reason))
  return index < 0 ? claimSteps.length - 1 : index
}

async function proveBody(opened: OpenedSignature, run: Run): Promise<void> {
  const { message } = opened
  if (message.dangerouslyUnseenBody)
    return run.unknown('digest', 'A secret in this body is shortened here, so its digest cannot be computed again.')
  if (message.body !== undefined)
    await run.check('digest', 'Content-Digest is the digest of these bytes.', () => verifyBody(opened))
}

/** A refusal, by whichever package. */
export interface Refusal {
  readonly reason: string
  readonly description: string
}

/** A check has failed: the rest is not reached. */
class Stopped extends Error {}

/** The outcome of a function that may refuse. */
function fault<T>(work: () => T): { readonly value: T } | { readonly fault: Refusal } {
  try {
    return { value: work() }
  } catch (error) {
    return { fault: refusalOf(error) }
  }
}

/** @throws what is no refusal */
function refusalOf(error: unknown): Refusal {
  if (error instanceof HttpSigError) return { reason: error.reason, description: error.message }
  if (error instanceof AAuthError) return { reason: error.reason, description: error.description }
  throw error
}

type Timing = Pick<Judgement, 'ms' | 'together'>

/** The checks so far. */
export class Run {
  readonly done: Map<StepId, Judgement> = new Map()

  /** Makes one check. @throws Stopped when it refuses */
  async check<T>(id: StepId, finding: string, work: () => T | Promise<T>): Promise<T> {
    const begun = performance.now()
    try {
      const value = await work()
      this.pass(id, finding, { ms: performance.now() - begun })
      return value
    } catch (error) {
      return this.fail(id, refusalOf(error), { ms: performance.now() - begun })
    }
  }

  async timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    const begun = performance.now()
    const value = await work()
    return { value, ms: performance.now() - begun }
  }

  pass(id: StepId, finding: string, { ms }: Timing): void {
    this.done.set(id, { result: 'passed', finding, ...(ms === undefined ? {} : { ms }) })
  }

  unknown(id: StepId, finding: string): void {
    this.done.set(id, { result: 'unknown', finding })
  }

  fail(id: StepId, { reason, description }: Refusal, { ms, together }: Timing): never {
    this.done.set(id, {
      ...{ result: 'failed', reason, finding: sentence(description) },
      ...(ms === undefined ? {} : { ms }),
      ...(together === undefined ? {} : { together }),
    })
    throw new Stopped()
  }
}

// Names of claims and parameters keep their case.
const name =
  /^(?:[a-z]+[._][a-z_]|(?:act|agent|alg|aud|cnf|created|crit|exp|expires|iat|iss|jti|kid|nbf|scope|sub|typ)\b)/

/** A constant description as a sentence. */
export function sentence(text: string): string {
  const whole = name.test(text) ? text : text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(whole) ? whole : `${whole}.`
}

/** Runs checks of something else than a whole request. */
export async function judging(work: (run: Run) => Promise<void>): Promise<Judgements> {
  const run = new Run()
  try {
    await work(run)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return run.done
}

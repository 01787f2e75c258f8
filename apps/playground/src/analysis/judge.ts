import {
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
import { isIdentifier, parseToken } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { checkClaims, proveToken } from './judge-token.js'
import { type KeySource, keyFinding, noKey, unknownKeys } from './key-source.js'
import { type Judgements, judging, type Run } from './run.js'
import type { StepId } from './steps.js'

/** What a request is judged by. */
export interface JudgeOptions extends KeySource {
  readonly message: ReceivedMessage
  readonly authorities: readonly string[]
  readonly scheme: 'https' | 'http'
  /** The identifier of the receiver; absent: the receiver that a token names. */
  readonly receiver?: string | undefined
  /** Unix seconds. */
  readonly now: number
  readonly development: boolean
  readonly requiredComponents: readonly string[]
}

/** Repeats the checks of a verifier on a request, in its order, with the functions that a verifier uses. Stops at the first that fails. */
export function judge(options: JudgeOptions): Promise<Judgements> {
  return judging(run => judgeAll(options, run))
}

async function judgeAll(options: JudgeOptions, run: Run): Promise<void> {
  const { message, authorities, scheme } = options
  await run.check('request', 'Method and target have one reading.', () => checkTarget(message))
  await run.check('authority', `It is for ${authorities.join(', ')}.`, () =>
    chooseAuthority(message, authorities, scheme),
  )
  if (!isSigned(message)) return
  const opened = open(options, run)
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

function open(options: JudgeOptions, run: Run): OpenedSignature {
  const { message, authorities, scheme, now, requiredComponents } = options
  return run.checkTogether(opening, 'headers', () =>
    openSignature(message, { authorities, scheme, now: () => now, requiredComponents }),
  )
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
    throw refusal('signature_key_malformed', { about: 'id must be an identifier, and dwk must be aauth-agent' })
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
  checkClaims(parsed, { now, receiver }, run)
  const { cnf } = parsed.payload
  return importVerifyKey(parsePublicJwk((cnf as { readonly jwk: unknown }).jwk))
}

async function proveBody(opened: OpenedSignature, run: Run): Promise<void> {
  const { message } = opened
  if (message.dangerouslyUnseenBody)
    return run.unknown('digest', 'A secret in this body is shortened here, so its digest cannot be computed again.')
  if (message.body !== undefined)
    await run.check('digest', 'Content-Digest is the digest of these bytes.', () => verifyBody(opened))
}

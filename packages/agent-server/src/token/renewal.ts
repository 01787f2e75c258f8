import { type PublicJwk, parsePublicJwk, type ReceivedMessage, type ReplaySet, thumbprint } from '@countersign/httpsig'
import { type AAuthError, verifyKeyProof } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import { checkReplay, type IdentifiedCaller, type Verified } from '@countersign/verify'
import { peerOf } from '@countersign/verify/internal'
import { type KeyStanding, keyRefusal } from '../delegate/delegate-key.js'
import { parseAudience } from './audience.js'
import { parseJsonBody } from './json-body.js'
import { type DelegateToken, type DelegateTokenContext, issueDelegateToken } from './token-context.js'

/** A request signed with an agent token of this server. */
interface Renewal {
  readonly message: ReceivedMessage
  readonly verified: Verified
  readonly caller: IdentifiedCaller
  readonly sub: string
  /** Thumbprint of the key that signed the request. */
  readonly jkt: string
}

/** What the body of a renewal asks for. */
interface Wanted {
  /** The receivers of the new token; undefined: all that the operator allows. */
  readonly audience: readonly string[] | undefined
  /** Absent: the key stays. */
  readonly successor?: Successor
}

/** The new key of a rotation, whose proof was verified. */
interface Successor {
  readonly jwk: PublicJwk
  readonly jkt: string
  readonly jti: string
}

/**
 * Answers a request that is signed with an agent token: an empty body renews the token, `aud` names receivers for it,
 * `jwk` and `proof` rotate its key.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Renewal", "Rotation"
 */
export async function renew(
  { message, verified, caller }: Pick<Renewal, 'message' | 'verified' | 'caller'>,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  if (caller.delegate === undefined) {
    throw refusal('credential_not_accepted', { about: 'sign with hwk or an agent token' })
  }
  const renewal: Renewal = { message, verified, caller, sub: caller.delegate, jkt: caller.key.thumbprint }
  const key = await context.delegateKeys.standing(renewal.sub, renewal.jkt)
  // Refused before it is remembered: a revoked delegate could fill the replay set and stop the renewals of others.
  if (key.standing === 'ended') throw keyRefusal()
  if (key.standing === 'replaced') throw await reportReplacedKey(renewal, context)
  const { audience, successor } = await readBody(renewal, key, context)
  if (successor !== undefined) return rotate(renewal, { successor, audience }, context)
  await checkOnce(renewal, context)
  const delegation = await context.delegates.delegation(renewal.sub)
  // Signed first: a receiver that the operator does not allow must not count as a renewal.
  const answer = await issueDelegateToken(context, {
    sub: renewal.sub,
    jwk: caller.key.publicJwk,
    delegation,
    audience,
  })
  await context.delegates.renew(renewal.sub, renewal.jkt)
  context.report.tell({ type: 'renewed', sub: renewal.sub, jkt: renewal.jkt, ...peerOf(caller) })
  return answer
}

async function readBody(renewal: Renewal, key: KeyStanding, context: DelegateTokenContext): Promise<Wanted> {
  try {
    const wanted = await parseBody(renewal, context)
    if (key.standing !== 'outgoing' || wanted.successor?.jkt === key.successor) return wanted
  } catch (thrown) {
    // The only honest request of a replaced key is the same rotation again: anything else is an alarm, malformed or not.
    if (key.standing !== 'outgoing' || asAAuthError(thrown).status >= 500) throw thrown
  }
  throw await reportReplacedKey(renewal, context)
}

async function parseBody(renewal: Renewal, context: DelegateTokenContext): Promise<Wanted> {
  const { message } = renewal
  if (message.body === undefined || message.body.length === 0) return { audience: undefined }
  const body = parseJsonBody(message)
  const audience = parseAudience(body['aud'], context)
  const isRenewal = audience !== undefined && !('jwk' in body) && !('proof' in body)
  return isRenewal ? { audience } : { audience, successor: await parseSuccessor(renewal, body, context) }
}

async function parseSuccessor(
  { sub, jkt }: Renewal,
  body: Readonly<Record<string, unknown>>,
  context: DelegateTokenContext,
): Promise<Successor> {
  const { proof } = body
  if (!('jwk' in body) || typeof proof !== 'string')
    throw refusal('enrolment_malformed', {
      about: 'it must be empty or {"aud":"…"} to renew, {"jwk":{…},"proof":"…"} to rotate the key',
    })
  const jwk = parsePublicJwk(body['jwk'])
  const { jti } = await verifyKeyProof(proof, { jwk, aud: context.endpoint, sub, jkt, now: context.now() })
  return { jwk, jkt: await thumbprint(jwk), jti }
}

async function rotate(
  renewal: Renewal,
  { successor, audience }: Wanted & { readonly successor: Successor },
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const { sub, jkt, caller } = renewal
  await checkOnce(renewal, context)
  // Signs first: if no token can be made (it is too long with this key), the old key must stay valid.
  const delegation = await context.delegates.delegation(sub)
  const answer = await issueDelegateToken(context, { sub, jwk: successor.jwk, delegation, audience })
  const facts = { type: 'rotated', sub, jkt: successor.jkt, previous_jkt: jkt, ...peerOf(caller) } as const
  const rotation = { sub, from: jkt, to: successor.jkt, jti: successor.jti }
  const outcome = await context.delegateKeys.rotate(rotation, tx => context.report.within(tx, facts))
  switch (outcome) {
    case 'rotated':
      return answer
    case 'repeated':
      context.report.tell({ type: 'renewed', sub, jkt: successor.jkt, ...peerOf(caller) })
      return answer
    case 'taken':
      throw refusal('delegate_key_used', { about: 'jwk' })
    case 'reused':
      throw refusal('proof_used')
    case 'replaced':
      throw await reportReplacedKey(renewal, context)
    case 'ended':
      throw keyRefusal()
  }
}

/** Shares the replay set by delegate: all callers are of one agent, so a share per agent would be one for all. */
function checkOnce({ verified, sub }: Renewal, { replay }: DelegateTokenContext): Promise<void> {
  const shared: ReplaySet = { check: entry => replay.check({ ...entry, principal: sub, site: undefined }) }
  return checkReplay({ replay: shared, verified, partition: 'token' })
}

/** Reports a valid token with a replaced key: the delegate or a thief still uses it. */
async function reportReplacedKey({ sub, jkt, caller }: Renewal, context: DelegateTokenContext): Promise<AAuthError> {
  await context.report.alone({ type: 'alarm', reason: 'replaced-key', sub, jkt, ...peerOf(caller) })
  return keyRefusal()
}

import { type PublicJwk, parsePublicJwk, type ReceivedMessage, type ReplaySet, thumbprint } from '@countersign/httpsig'
import { AAuthError, asAAuthError, verifyKeyProof } from '@countersign/protocol'
import { checkReplay, type IdentifiedCaller, peerOf, type Verified } from '@countersign/verify'
import { type KeyStanding, refusedKey } from '../delegate/delegate-key.js'
import { parseJsonBody } from './json-body.js'
import { type DelegateToken, type DelegateTokenContext, issueDelegateToken } from './token-context.js'

/** One request under an agent token of ours. */
interface Renewal {
  readonly message: ReceivedMessage
  readonly verified: Verified
  readonly caller: IdentifiedCaller
  readonly sub: string
  /** Thumbprint of the key that signed the request. */
  readonly jkt: string
}

/** The key that is to take over, its holder's proof verified. */
interface Successor {
  readonly jwk: PublicJwk
  readonly jkt: string
  readonly jti: string
}

/**
 * Decides a request that an agent token signed: an empty body renews it, `jwk` and `proof` rotate its key.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Renewal", "Rotation"
 */
export async function renew(
  message: ReceivedMessage,
  verified: Verified,
  caller: IdentifiedCaller,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  if (caller.delegate === undefined) {
    throw new AAuthError('insufficient_level', 'this endpoint serves delegates: sign with hwk or an agent token')
  }
  const renewal: Renewal = { message, verified, caller, sub: caller.delegate, jkt: caller.key.thumbprint }
  const key = await context.delegateKeys.standing(renewal.sub, renewal.jkt)
  // Were its requests remembered, a revoked delegate could fill the replay set with them and stop the others' renewals.
  if (key.standing === 'ended') throw refusedKey()
  if (key.standing === 'replaced') throw alarm(renewal, context)
  const isEmpty = message.body === undefined || message.body.length === 0
  if (!isEmpty) return rotate(renewal, await successorOf(renewal, key, context), context)
  if (key.standing === 'outgoing') throw alarm(renewal, context)
  await checkOnce(renewal, context)
  await context.delegates.renew(renewal.sub, renewal.jkt)
  context.onEvent({ type: 'renewed', sub: renewal.sub, jkt: renewal.jkt, ...peerOf(caller) })
  return issueDelegateToken(context, { sub: renewal.sub, jwk: caller.key.publicJwk })
}

async function successorOf(renewal: Renewal, key: KeyStanding, context: DelegateTokenContext): Promise<Successor> {
  try {
    const successor = await readSuccessor(renewal, context)
    if (key.standing !== 'outgoing' || successor.jkt === key.successor) return successor
  } catch (thrown) {
    // Whatever is wrong with it: from a key that was replaced only the same rotation is an honest request.
    if (key.standing !== 'outgoing' || asAAuthError(thrown).status >= 500) throw thrown
  }
  throw alarm(renewal, context)
}

async function readSuccessor({ message, sub, jkt }: Renewal, context: DelegateTokenContext): Promise<Successor> {
  const body = parseJsonBody(message)
  const { proof } = body
  if (!('jwk' in body) || typeof proof !== 'string')
    throw new AAuthError(
      'invalid_request',
      'the body must be empty to renew, {"jwk":{…},"proof":"…"} to rotate the key',
    )
  const jwk = parsePublicJwk(body['jwk'])
  const { jti } = await verifyKeyProof(proof, { jwk, aud: context.endpoint, sub, jkt, now: context.now() })
  return { jwk, jkt: await thumbprint(jwk), jti }
}

async function rotate(renewal: Renewal, successor: Successor, context: DelegateTokenContext): Promise<DelegateToken> {
  const { sub, jkt, caller } = renewal
  await checkOnce(renewal, context)
  // Before the old key is given up: a rotation that no token could answer (too long under this key) would lock the delegate out.
  const answer = await issueDelegateToken(context, { sub, jwk: successor.jwk })
  const outcome = await context.delegateKeys.rotate({ sub, from: jkt, to: successor.jkt, jti: successor.jti })
  switch (outcome) {
    case 'rotated':
      context.onEvent({ type: 'rotated', sub, jkt: successor.jkt, previous_jkt: jkt, ...peerOf(caller) })
      return answer
    case 'repeated':
      context.onEvent({ type: 'renewed', sub, jkt: successor.jkt, ...peerOf(caller) })
      return answer
    case 'taken':
      throw new AAuthError('invalid_request', 'jwk is or was the key of a delegate; rotate to a fresh one')
    case 'reused':
      throw new AAuthError('invalid_request', 'jti of proof was seen before; make a new proof')
    case 'replaced':
      throw alarm(renewal, context)
    case 'ended':
      throw refusedKey()
  }
}

/** Every caller here is of the one agent, so that a share per agent would be one for all. */
function checkOnce({ verified, sub }: Renewal, { replay }: DelegateTokenContext): Promise<void> {
  const shared: ReplaySet = { check: entry => replay.check({ ...entry, principal: sub, site: undefined }) }
  return checkReplay({ replay: shared, verified, partition: 'token' })
}

/** Our token, under its own key, and yet not the current one: the delegate or someone else still holds a key that was given up. */
function alarm({ sub, jkt, caller }: Renewal, context: DelegateTokenContext): AAuthError {
  context.onEvent({ type: 'alarm', reason: 'replaced-key', sub, jkt, ...peerOf(caller) })
  return refusedKey()
}

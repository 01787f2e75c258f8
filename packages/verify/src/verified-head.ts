import {
  type JudgedHead,
  type OpenedSignature,
  type ReceivedMessage,
  refusedHead,
  type VerifyKey,
  verifyBody,
  verifySignature,
} from '@countersign/httpsig'
import type { Asked } from './asked.js'
import type { Caller, Verified } from './caller.js'
import type { CallerContext } from './caller-of.js'
import type { PerRequest } from './options.js'

/** A head whose signature, token and issuer are being verified while the body is still to come. */
export interface VerifiedHead extends JudgedHead {
  /** What was found; undefined where the head is refused. Never rejects. */
  readonly verified: Promise<Verified | undefined>
}

/** A head, and what came of it. */
export interface Head {
  readonly opened: OpenedSignature
  readonly per: PerRequest
  readonly asked: Asked
  /** The key that has signed it, once that is verified. */
  key?: VerifyKey
  /** Resolves once it is known whether the head is refused, and why. */
  readonly done: Promise<{ readonly verified: Verified } | { readonly fault: unknown }>
}

/** Heads by the proof that goes with their message. Nobody else can make one, and each is looked up by the object itself. */
export interface Heads {
  find(message: ReceivedMessage): Head | undefined
  /** Begins to verify a head. @param callerOf tells whose it is, or throws why it is refused */
  begin(
    head: ReceivedMessage,
    begun: Pick<Head, 'opened' | 'per' | 'asked'>,
    callerOf: () => Promise<Caller>,
  ): VerifiedHead
}

/** Makes the memory of one verifier for the heads that it has judged. */
export function verifiedHeads(): Heads {
  /** Holds a head where nobody else can read or write it: a map of weak keys would cost the collector more than this does. */
  class Proof {
    readonly #head: Head
    constructor(head: Head) {
      this.#head = head
    }
    static headIn(proof: object): Head | undefined {
      return #head in proof ? proof.#head : undefined
    }
  }
  return {
    find: ({ headProof }) => (headProof === undefined ? undefined : Proof.headIn(headProof)),
    begin(message, begun, callerOf) {
      const { opened, asked } = begun
      const done = callerOf().then(
        caller => {
          if (caller.level !== 'anonymous') head.key = caller.key
          return { verified: { caller, opened, discovery: asked.discovery } }
        },
        (fault: unknown) => ({ fault }),
      )
      const head: Head = { ...begun, done }
      const proof = new Proof(head)
      const refused = head.done.then(found =>
        'fault' in found ? { ...refusedHead(message, found.fault), headProof: proof } : undefined,
      )
      return { proof, refused, verified: head.done.then(found => ('fault' in found ? undefined : found.verified)) }
    },
  }
}

/** Verifies signatures, but not again one that the key has proven by the head. */
export function proving(head: Head): CallerContext['prove'] {
  return (opened, key) =>
    head.key === key && isSigned(opened, head.opened) ? verifyBody(opened) : verifySignature(opened, key)
}

/** The base holds the line that names the label, and the very same lines hold one signature under it. */
function isSigned(opened: OpenedSignature, before: OpenedSignature): boolean {
  return opened.base === before.base && opened.message.headers === before.message.headers
}

/** Whether a request is judged by what its head was judged by. */
export function isJudgedAs(per: PerRequest, before: PerRequest): boolean {
  return (
    isSameList(per.accept, before.accept) &&
    isSameList(per.requiredComponents, before.requiredComponents) &&
    per.expiredAgentTokenGrace === before.expiredAgentTokenGrace
  )
}

function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a?.length === b?.length && (a ?? []).every((entry, at) => entry === b?.[at]))
}

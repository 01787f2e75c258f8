import {
  type JudgedHead,
  type OpenedSignature,
  type ReceivedMessage,
  type VerifyKey,
  verifySignature,
} from '@countersign/httpsig'
import { refusedHead, verifyBody } from '@countersign/httpsig/internal'
import type { Caller, Verified } from './caller.js'
import type { CallerContext } from './identify-caller.js'
import type { PerRequest } from './options.js'
import type { RequestLookups } from './request-lookups.js'

/** A head whose signature, token and issuer are being verified while the body is still arriving. */
export interface VerifiedHead extends JudgedHead {
  /** The result; undefined when the head is refused. Never rejects. */
  readonly verified: Promise<Verified | undefined>
}

/** A head whose verification has begun, and its result. */
export interface BegunHead {
  readonly opened: OpenedSignature
  readonly per: PerRequest
  readonly lookups: RequestLookups
  /** The key that signed the head; undefined until that is verified. */
  key?: VerifyKey
  /** Resolves with the result, or with the fault for which the head is refused. */
  readonly done: Promise<{ readonly verified: Verified } | { readonly fault: unknown }>
}

/** Heads by the proof in their message. Only this verifier can make a proof: it is found by the object itself. */
export interface VerifiedHeads {
  find(message: ReceivedMessage): BegunHead | undefined
  /** Begins to verify a head. @param identifyCaller resolves with the caller, or throws the refusal */
  begin(
    head: ReceivedMessage,
    begun: Pick<BegunHead, 'opened' | 'per' | 'lookups'>,
    identifyCaller: () => Promise<Caller>,
  ): VerifiedHead
}

/** Makes the store of one verifier for the heads that it has judged. */
export function createVerifiedHeads(): VerifiedHeads {
  /** Holds a head in a private member, which no other code can read or write; cheaper for the garbage collector than a WeakMap. */
  class Proof {
    readonly #head: BegunHead
    constructor(head: BegunHead) {
      this.#head = head
    }
    static headIn(proof: object): BegunHead | undefined {
      return #head in proof ? proof.#head : undefined
    }
  }
  return {
    find: ({ headProof }) => (headProof === undefined ? undefined : Proof.headIn(headProof)),
    begin(message, begun, identifyCaller) {
      const { opened, lookups } = begun
      const done = identifyCaller().then(
        caller => {
          if (caller.level !== 'anonymous') head.key = caller.key
          return { verified: { caller, opened, discovery: lookups.discovery } }
        },
        (fault: unknown) => ({ fault }),
      )
      const head: BegunHead = { ...begun, done }
      const proof = new Proof(head)
      return new VerifyingHead(message, done, proof)
    },
  }
}

/** A promise for each reader that there is: mostly there is one, of `verified`. */
class VerifyingHead implements VerifiedHead {
  readonly proof: object
  readonly #message: ReceivedMessage
  readonly #done: BegunHead['done']

  constructor(message: ReceivedMessage, done: BegunHead['done'], proof: object) {
    this.#message = message
    this.#done = done
    this.proof = proof
  }

  get refused(): Promise<ReceivedMessage | undefined> {
    return this.#done.then(found =>
      'fault' in found ? { ...refusedHead(this.#message, found.fault), headProof: this.proof } : undefined,
    )
  }

  get verified(): Promise<Verified | undefined> {
    return this.#done.then(found => ('fault' in found ? undefined : found.verified))
  }
}

/** Returns a `prove` that skips the signature when the key has proven it for the head, and verifies the body's digest only. */
export function proveUnproven(head: BegunHead): CallerContext['prove'] {
  return (opened, key) =>
    head.key === key && hasSameSignature(opened, head.opened) ? verifyBody(opened) : verifySignature(opened, key)
}

/** Tells whether both have the same signature: same base, and the same header lines (the object itself) with the signature bytes. */
function hasSameSignature(opened: OpenedSignature, before: OpenedSignature): boolean {
  return opened.base === before.base && opened.message.headers === before.message.headers
}

/** Tells whether a request is judged by the same options as its head; the components that it must cover are checked again. */
export function isJudgedAlike(per: PerRequest, before: PerRequest): boolean {
  return (
    isSameList(per.accept, before.accept) &&
    isSameList(per.agents, before.agents) &&
    per.expiredAgentTokenGrace === before.expiredAgentTokenGrace
  )
}

/** Tells whether two lists have the same entries. */
export function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a?.length === b?.length && (a ?? []).every((entry, at) => entry === b?.[at]))
}

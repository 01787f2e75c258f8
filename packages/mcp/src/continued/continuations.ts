import { isObject } from '@countersign/protocol/internal'
import type { Seals } from '@countersign/resource/internal'
import { continueOwner, crowdOf, type Owner } from '../message/owner.js'

/** What a server gives to a caller to go on with: the state of a request that needs input, or the id of a task. */
export interface Continued {
  readonly kind: 'state' | 'task'
  /** The method and name of the request that it came of, such as `tools/call send_email`. */
  readonly of: string
  /** The server's own state or id; undefined for a state that the server has not given. */
  readonly value?: string | undefined
  /** Of a question that the guard asks because a call of another service needs the user. */
  readonly question?: AskedQuestion | undefined
}

/** A question to the user, and what the request went on with when it came up. */
export interface AskedQuestion {
  readonly url: string
  /** By which the answer is found. */
  readonly code: string
  /** Unix seconds: however often the request is repeated, until then. */
  readonly until: number
  /** Answers to the server's own questions, which the server gets once more. */
  readonly answers?: unknown
}

/** What is sealed: a continuation, and the caller that may continue it. */
export interface SealedContinued extends Continued {
  readonly owner: Owner
  /** The endpoint that gave it: two may stand on one resource, and each server has ids of its own. */
  readonly at: string
  /** Unix seconds. */
  readonly until?: number
  /** Tells two states apart that have all else in common. */
  readonly id?: string
}

/** Ties what a server gives to a caller to that caller. Only that a state was answered is kept, so any instance can go on with it. */
export interface Continuations {
  /** @returns what the caller gets in place of the server's own value */
  seal(continued: Continued, owner: Owner): Promise<string | undefined>
  /** Reads what a caller sends; undefined for what was not sealed here, is of another kind, or has expired. */
  read(kind: Continued['kind'], sealed: unknown): Promise<SealedContinued | undefined>
  /** Whether a request goes on with a state for the first time; a task may be asked about any number of times. */
  takeOnce(continued: SealedContinued): Promise<boolean>
}

/** Seconds in which a request is repeated with the state that it got. */
const stateLife = 3600

/** What continuations are made with. */
export interface ContinuationParts {
  readonly seals: Seals
  /** The URL of the endpoint. */
  readonly at: string
  /** Unix seconds. */
  readonly now: () => number
}

export function createContinuations({ seals, at, now }: ContinuationParts): Continuations {
  return {
    async seal(continued, owner) {
      const { kind, question } = continued
      const ending =
        kind === 'state' ? { until: question?.until ?? Math.floor(now()) + stateLife, id: crypto.randomUUID() } : {}
      return seals.seal(JSON.stringify({ ...continued, owner, at, ...ending }))
    },
    async takeOnce(continued) {
      const { until, owner } = continued
      if (until === undefined) return true
      return seals.takeOnce({ key: JSON.stringify(continued), ends: until, now: now(), site: crowdOf(owner) })
    },
    async read(kind, sealed) {
      const text = typeof sealed === 'string' ? await seals.open(sealed) : undefined
      const found: unknown = text === undefined ? undefined : JSON.parse(text)
      if (!isObject(found) || found['kind'] !== kind || found['at'] !== at) return undefined
      // Sealed by this resource, so it is as `seal` has made it.
      const continued = found as unknown as SealedContinued
      return continued.until !== undefined && continued.until <= now() ? undefined : continued
    },
  }
}

/**
 * Whether a caller may go on with what another request got. What an anonymous caller got may be continued by whoever has it.
 * @param key the key that signed the request, also for callers with an identity
 */
export function isContinuedBy({ owner }: SealedContinued, caller: Owner, key: string | undefined): boolean {
  // A caller without the user would get what was made for the user.
  if (owner.user !== undefined && owner.user !== caller.user) return false
  return continueOwner(owner, caller, key) !== undefined
}

import { appendFileSync, writeFileSync } from 'node:fs'

// What the clients and the rig saw, one record a line. Times are milliseconds of the rig's own clock, which no fault moves.

/** How a request or a step ended: `unknown` where no answer came, so that it may have happened or not. */
export type Outcome = 'ok' | 'refused' | 'unavailable' | 'unknown'

interface Span {
  readonly begin: number
  readonly end: number
}

/** One HTTP request of a client. */
export interface RequestRecord extends Span {
  readonly type: 'request'
  readonly client: string
  readonly flow: string
  /** `auth`, `agents`, `gateway`, `partner`. */
  readonly to: string
  readonly what: string
  readonly status?: number | undefined
  /** `timeout`, or the code of the socket's error. */
  readonly failure?: string | undefined
  /** Whether the answer says when to come back. */
  readonly retryAfter?: boolean | undefined
  /** `reason` or `error` of a refusal. */
  readonly reason?: string | undefined
}

/** A client has begun to ask for access. `tag` names the attempt, and is the `purpose` that the auth server keeps. */
export interface AttemptRecord {
  readonly type: 'attempt'
  readonly at: number
  readonly client: string
  readonly tag: string
  readonly way: 'direct' | 'consent' | 'device' | 'approval'
}

/** A user has decided. */
export interface DecisionRecord extends Span {
  readonly type: 'decision'
  readonly tag: string
  readonly decision: 'allow' | 'deny'
  readonly outcome: Outcome
}

/** An auth server has acknowledged a token. */
export interface GrantedRecord extends Span {
  readonly type: 'granted'
  readonly tag: string
  readonly way: AttemptRecord['way'] | 'refresh' | 'exchange'
  /** `iss` and `kid` of the auth token. */
  readonly issuer: string
  readonly kid: string
  /** `grant` of the auth token. */
  readonly grant: string
  /** `jti` of the auth token. */
  readonly token: string
  /** SHA-256 of the refresh token, as the auth server keeps it; none for a single call and an exchange. */
  readonly refresh?: string | undefined
}

/** Several redeemed one code, or polled one device code, at once. */
export interface RedeemedRecord extends Span {
  readonly type: 'redeemed'
  readonly tag: string
  readonly outcome: Outcome
  readonly refresh?: string | undefined
}

/** A refresh token was used. `final`: after the run, with no fault under way. */
export interface RefreshRecord extends Span {
  readonly type: 'refresh'
  readonly refresh: string
  readonly outcome: Outcome
  readonly final: boolean
}

/** Somebody ended grants. */
export interface RevocationRecord extends Span {
  readonly type: 'revocation'
  readonly by: 'agent' | 'user' | 'operator'
  /** The hashes of the refresh tokens that end. */
  readonly refreshes: readonly string[]
  /** `grant` of their auth tokens. */
  readonly grants: readonly string[]
  readonly outcome: Outcome
}

/** A client called the API. Several records with one nonce are one signed request, sent several times on purpose. */
export interface CallRecord extends Span {
  readonly type: 'call'
  readonly client: string
  readonly nonce: string
  readonly route: string
  /** `grant` of the auth token, if it had one. */
  readonly grant?: string | undefined
  readonly tag?: string | undefined
  readonly outcome: Outcome
}

/** A request reached the API behind a gateway. */
export interface EffectRecord {
  readonly type: 'effect'
  readonly at: number
  readonly nonce: string
  readonly route: string
  /** The gateway that let it pass. */
  readonly instance: string
  /** Who is counted. */
  readonly caller: string
}

/** A flow has come to its end, or to where it could go no further. */
export interface StepRecord extends Span {
  readonly type: 'step'
  readonly client: string
  readonly flow: string
  /** Whether all of it worked. */
  readonly works: boolean
  /** Why not. */
  readonly why?: string | undefined
}

/** A fault was applied or healed. */
export interface FaultRecord {
  readonly type: 'fault'
  readonly at: number
  /** Numbers the rounds of a run: each has one fault, or two at once. */
  readonly round: number
  readonly fault: string
  readonly phase: 'apply' | 'heal'
}

/** What the rig measured of a fault while it lasted. */
export interface BiteRecord {
  readonly type: 'bite'
  readonly round: number
  readonly fault: string
  readonly measured: number
  /** What it must be at least, so that the fault was one. */
  readonly atLeast: number
  readonly unit: string
}

/** Something that changes what a count may promise. */
export interface LossRecord {
  readonly type: 'loss'
  readonly at: number
  /** `counters`: all that Redis had counted is gone. */
  readonly of: 'counters'
}

/** The clock of an instance was moved, by milliseconds; 0 puts it right. */
export interface ClockRecord {
  readonly type: 'clock'
  readonly at: number
  readonly instance: string
  readonly offset: number
}

/** Any record of a history. */
export type Record =
  | RequestRecord
  | AttemptRecord
  | DecisionRecord
  | GrantedRecord
  | RedeemedRecord
  | RefreshRecord
  | RevocationRecord
  | CallRecord
  | EffectRecord
  | StepRecord
  | FaultRecord
  | BiteRecord
  | LossRecord
  | ClockRecord

/** Where records go: into memory for the checker, and into a file for people. */
export interface History {
  readonly records: readonly Record[]
  add(record: Record): void
  /** Writes what is not in the file yet. */
  flush(): void
}

/** Opens a history. `file`: JSON lines; default none. */
export function openHistory(file?: string): History {
  const records: Record[] = []
  if (file !== undefined) writeFileSync(file, '')
  let written = 0
  const flush = (): void => {
    if (file === undefined || written === records.length) return
    appendFileSync(
      file,
      records
        .slice(written)
        .map(record => `${JSON.stringify(record)}\n`)
        .join(''),
    )
    written = records.length
  }
  return {
    records,
    add(record) {
      records.push(record)
      if (records.length - written >= 1000) flush()
    },
    flush,
  }
}

/** The records of one type. */
export function ofType<T extends Record['type']>(
  records: readonly Record[],
  type: T,
): Array<Extract<Record, { type: T }>> {
  return records.filter((record): record is Extract<Record, { type: T }> => record.type === type)
}

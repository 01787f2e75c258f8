/** A value of JSON. */
export type AuditValue =
  | string
  | number
  | boolean
  | null
  | readonly AuditValue[]
  | { readonly [member: string]: AuditValue }

/** One thing that happened, as the program tells it. Never a token, key, code or other secret. */
export interface AuditEvent {
  /** What happened, such as `granted`. */
  readonly type: string
  /** Unix seconds; default now. */
  readonly time?: number
  /** Identifier of the agent. */
  readonly agent?: string
  /** The delegate of the agent. */
  readonly delegate?: string
  /** Identifier of the resource. */
  readonly resource?: string
  /** The audit id that follows one user action across parties. */
  readonly txn?: string
  /** The grant's name. */
  readonly grant?: string
  /** `sub` of the user. Personal: it can be forgotten. */
  readonly user?: string
  /** What else says something of a person, such as an address. Forgotten with the user. */
  readonly personal?: Readonly<Record<string, string>>
  /** Everything else. Never of a person: it is part of the leaf, and stays. */
  readonly detail?: Readonly<Record<string, AuditValue>>
}

/** The members of an event that stand in `detail`. One that is not named does not: a new member must not bring a secret or an address along. */
export function detailOf<M extends string>(
  event: Readonly<Partial<Record<M, unknown>>>,
  names: readonly M[],
): Record<string, AuditValue> {
  const detail: Record<string, AuditValue> = {}
  for (const name of names) {
    const value = event[name]
    if (value !== undefined) detail[name] = value as AuditValue
  }
  return detail
}

/** A personal value with its salt, or, once forgotten, what stays of it. */
export type PersonalValue = { readonly salt: string; readonly value: string } | { readonly sha256: string }

/** An event as it is kept. */
export interface KeptEvent extends Omit<AuditEvent, 'user' | 'personal' | 'time'> {
  /** Names the event. */
  readonly id: string
  /** Unix seconds. */
  readonly time: number
  readonly personal?: Readonly<Record<string, PersonalValue>>
  /** The form of the leaf. */
  readonly v: 1
}

/** An event with its place in the log. */
export interface PlacedEvent extends KeptEvent {
  /** Place in the log, from 0. */
  readonly index: number
}

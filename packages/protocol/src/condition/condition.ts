/** The resource is among them: identifiers, or `https://*.host` for every name below `host`. */
export interface ResourcesCondition {
  readonly type: 'resources'
  readonly any: readonly string[]
}

/** Every scope asked, granted and used is among them, `openid` aside. */
export interface ScopesCondition {
  readonly type: 'scopes'
  readonly any: readonly string[]
}

/** The token has purposes, all of them among these. */
export interface PurposesCondition {
  readonly type: 'purposes'
  readonly any: readonly string[]
}

/** Now is before `time`, in Unix seconds. */
export interface UntilCondition {
  readonly type: 'until'
  readonly time: number
}

/** Now is within the window on the wall clock of the zone. */
export interface HoursCondition {
  readonly type: 'hours'
  /** IANA name, in its own spelling. */
  readonly zone: string
  /** ISO weekdays: 1 is Monday, 7 is Sunday. A window over midnight belongs to the day it began. */
  readonly days: readonly number[]
  /** `00:00` to `23:59`. */
  readonly from: string
  /** `00:00` to `23:59`, exclusive. Not after `from`: the window goes over midnight. */
  readonly to: string
}

/** Fewer than `max` requests were let pass in this window. */
export interface CallsCondition {
  readonly type: 'calls'
  readonly max: number
  /** Windows of Unix time, or the life of the grant. */
  readonly per: 'minute' | 'hour' | 'day' | 'grant'
}

/** `act` has at most `max` levels; under an `act`, `agent` and every `act.agent` but the innermost are in `through`. */
export interface ChainCondition {
  readonly type: 'chain'
  /** 0 to 5. */
  readonly max: number
  /** Identifiers; absent: any service. */
  readonly through?: readonly string[]
}

/** The answer of `resource` holds nothing but these fields. */
export interface DataCondition {
  readonly type: 'data'
  readonly resource: string
  /** JSON pointers (RFC 6901), in which `*` stands for every member or element. */
  readonly fields: readonly string[]
}

/** One place in the body of a request, and what may stand there: nothing named, anything. */
export interface ArgumentRule {
  /** A JSON pointer, in which `*` stands for every member or element. */
  readonly at: string
  /** Equal to one of these in type and value. */
  readonly in?: ReadonlyArray<string | number | boolean | null>
  readonly min?: number
  readonly max?: number
  /** Of a string, by code points. */
  readonly prefix?: string
  /** Of a string in code points, of an array in elements. */
  readonly maxLength?: number
}

/** A request of `resource` for the operation `of` has a JSON body in which every leaf lies at or beneath one of these places. */
export interface ArgumentsCondition {
  readonly type: 'arguments'
  readonly resource: string
  /** The name of one operation. */
  readonly of: string
  readonly where: readonly ArgumentRule[]
}

/** A user approves each request of `resource` for one of these operations. */
export interface ApprovalCondition {
  readonly type: 'approval'
  readonly resource: string
  /** Names of operations, or all of them. */
  readonly of: readonly string[] | '*'
}

/**
 * One condition of a delegation policy.
 * @see protocol §9
 */
export type Condition =
  | ResourcesCondition
  | ScopesCondition
  | PurposesCondition
  | UntilCondition
  | HoursCondition
  | CallsCondition
  | ChainCondition
  | DataCondition
  | ArgumentsCondition
  | ApprovalCondition

/** The name of a kind of condition. */
export type ConditionType = Condition['type']

/** Conditions that must all hold, each by itself. */
export type Conditions = readonly Condition[]

/** How lists are read. */
export interface ConditionOptions {
  /** Admits loopback `http` as identifiers. Default: false. */
  readonly development?: boolean | undefined
  /** The list is the `delegation` of an agent token: `calls` by `grant` have no meaning there. Default: false. */
  readonly delegation?: boolean | undefined
}

/** Every kind of condition, in the order in which the protocol lists them. @see protocol §9 */
export const conditionTypes: readonly ConditionType[] = [
  'resources',
  'scopes',
  'purposes',
  'until',
  'hours',
  'calls',
  'chain',
  'data',
  'arguments',
  'approval',
]

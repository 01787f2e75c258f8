import type { Conditions, HoursCondition, Words } from '@countersign/conditions'

/** How long a user may allow something: one single call, a day, 30 days, or until they take it back. */
export type Duration = 'once' | 'day' | 'month' | 'open'

/** Limits as a form holds them; empty where there is none. */
export interface ChosenLimits {
  readonly duration: Duration
  /** ISO weekdays. */
  readonly days: readonly number[]
  readonly from: string
  readonly to: string
  readonly zone: string
  /** Calls a day, as typed. */
  readonly calls: string
  /** The name of a data view. */
  readonly view: string
  /** Names of operations that the user wants to be asked about each time. */
  readonly ask: readonly string[]
}

/** What a page offers a user to limit an access by: only what the resource enforces. */
export interface OfferedLimits {
  /** More than `open`, or none. */
  readonly durations: readonly Duration[]
  /** Time zones; none where the resource enforces no hours. */
  readonly zones: readonly string[]
  readonly calls: boolean
  readonly views: ReadonlyArray<{
    readonly name: string
    readonly description: string
    readonly fields: readonly string[]
  }>
  readonly operations: ReadonlyArray<{ readonly name: string; readonly description: string }>
}

/** Conditions that hold whatever the user decides, and who set them. */
export interface GivenLimits {
  readonly by: 'operator' | 'agent' | 'before' | 'upstream'
  readonly conditions: Conditions
}

/** Limits on a consent page. */
export interface LimitsView {
  readonly offered: OfferedLimits
  readonly given: readonly GivenLimits[]
  /** What is in the form at first, or was typed before. */
  readonly chosen: ChosenLimits
  /** What the resource calls its scopes, purposes, operations and data views. */
  readonly words: Words
}

/** What the form of a consent page holds before its user changes it. Every member narrows; default: no limits. */
export interface ConsentDefaults {
  /** `once` is a single call within the hour; `day` and `month` are 24 hours and 30 days. */
  readonly duration?: 'once' | 'day' | 'month'
  readonly callsPerDay?: number
  readonly hours?: Omit<HoursCondition, 'type'>
  /** The zone that is chosen for hours at first, an IANA name. Default: that of `hours`, else that of the server. */
  readonly zone?: string
}

/** No limits. */
export function noLimits(zone: string): ChosenLimits {
  return { duration: 'open', days: [], from: '', to: '', zone, calls: '', view: '', ask: [] }
}

/** Tells whether a form with these limits sets any. */
export function isLimited({ duration, days, from, to, calls, view, ask }: ChosenLimits): boolean {
  return duration !== 'open' || days.length + ask.length > 0 || [from, to, calls, view].some(text => text !== '')
}

/** Tells whether a page offers any. */
export function offersAny({ durations, zones, calls, views, operations }: OfferedLimits): boolean {
  return durations.length + zones.length + views.length + operations.length > 0 || calls
}

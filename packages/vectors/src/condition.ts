import type { VectorBody } from './vector.js'

/** One condition, as JSON. */
export type VectorCondition = Readonly<Record<string, unknown>>

/** A list of conditions that is read; it may be no list. */
export interface VectorConditionList {
  readonly list: unknown
  /** The claim in which it stands. */
  readonly claim: 'delegation' | 'constraints'
}

/** The lists of several parties, which an auth server puts together. */
export interface VectorConditionLists {
  readonly lists: ReadonlyArray<readonly VectorCondition[]>
}

/** A list of conditions and the request that they are judged by. */
export interface VectorConditions {
  readonly list: readonly VectorCondition[]
  /** Unix seconds. */
  readonly now: number
  /** The resource that judges. */
  readonly resource: string
  /** The scopes of the route. */
  readonly scope: readonly string[]
  /** The purposes of the token. */
  readonly purposes?: readonly string[]
  /** How many `act` objects the token has. */
  readonly levels: number
  /** The services that the token came through. */
  readonly services: readonly string[]
}

/** The body of a request, and the rules of each `arguments` condition. */
export interface VectorArguments {
  readonly where: ReadonlyArray<ReadonlyArray<VectorCondition & { readonly at: string }>>
  readonly body: VectorBody
}

/** An answer, and the `fields` of each `data` condition. */
export interface VectorData {
  readonly fields: ReadonlyArray<readonly string[]>
  readonly answer: string
}

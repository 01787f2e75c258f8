/** One check of the protocol, as a model has it. */
export interface Protection {
  readonly name: string
  readonly number: string
  readonly clause: string
  readonly case: string
  /** What breaks without it; absent where nothing does. */
  readonly property: string | undefined
  /** The other protection that must be removed, too. */
  readonly also?: string | undefined
  /** Why nothing breaks. */
  readonly reason?: string
}

/** A model: its name, its source, and what is said of it there. */
export interface Model {
  readonly name: string
  readonly text: string
  readonly protections: readonly Protection[]
  /** What it takes for granted, and the property that breaks where that does not hold. */
  readonly assumptions: ReadonlyArray<{ readonly name: string; readonly number: string; readonly property: string }>
  readonly goals: readonly number[]
}

/** The folder of the models. */
export declare const folder: string
/** All models, in the order of the chapters of docs/protocol.md. */
export function readModels(): Model[]

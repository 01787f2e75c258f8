/** What users are told of an operation: a description; `grave` ones ask for a fresh verification of the user. @see protocol §9.1 */
export type OperationWords = string | { readonly description: string; readonly grave?: boolean }

/** A part of the answers of a resource that a user may allow. @see protocol §9.1 */
export interface DataViewWords {
  readonly description: string
  /** JSON pointers, in which `*` stands for every member or element. */
  readonly fields: readonly string[]
}

import type { Requirement } from '@countersign/resource'

/** What is asked of callers, by name; `*` is for all that have no rule of their own. */
export type Rules<S extends string> = Readonly<Record<string, Requirement<S>>>

/** What is asked for what. */
export interface McpRules<S extends string> {
  /** For a session and all that is not named below: lists, pings, notifications, streams. Default `{ level: 'identified' }`. */
  readonly session?: Requirement<S>
  /** By the tool's name. A tool without a rule, also without `*`, is refused. */
  readonly tools?: Rules<S>
  /** By the prompt's name. Without any rules: as `session`. */
  readonly prompts?: Rules<S>
  /** By the resource's URI: exact, or a beginning that ends in `*`, the longest of which counts; refused where it has another rule in another spelling, or without its query, fragment, user or port. Without any rules: as `session`. */
  readonly resources?: Rules<S>
  /**
   * Tools and prompts with a rule that may not be there: they come later, or not for every caller. While any other rule names
   * something that the server does not list, nothing goes by `*`: the name may be a slip, and its rule the stricter one.
   */
  readonly optional?: readonly string[]
}

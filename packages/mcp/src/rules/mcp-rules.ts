import type { Requirement } from '@countersign/resource'

/** Requirements by name; `*` is for all names without a rule of their own. */
export type Rules<S extends string> = Readonly<Record<string, Requirement<S>>>

/** The requirements for sessions, tools, prompts and resources. */
export interface McpRules<S extends string> {
  /** For sessions and all other messages: lists, pings, notifications, streams. Default `{ level: 'identified' }`. */
  readonly session?: Requirement<S>
  /**
   * By the tool's name. A tool without a rule is refused unless there is a `*`, and so is one whose name equals that of a rule but for
   * case, compatibility forms, invisible characters or white space at its ends. Each tool is an operation of its own name: with `approve`
   * or `describe`, or to be named in conditions, it must be among `operations` of the resource. `request.json()` of `describe` gives the
   * arguments of the call.
   */
  readonly tools?: Rules<S>
  /** By the prompt's name. Default: as `session`. */
  readonly prompts?: Rules<S>
  /**
   * By the resource's URI: exact, or a prefix that ends in `*`; the longest matching prefix counts. A URI is refused when another
   * spelling of it, or the URI without its query, fragment, user or port, has another rule. Default: as `session`.
   */
  readonly resources?: Rules<S>
  /**
   * Tools and prompts with a rule that the server may not list: they are added later, or not for every caller. While any other
   * rule names something that the server does not list, nothing passes under `*`: the name may be a slip, and its rule the stricter.
   */
  readonly optional?: readonly string[]
}

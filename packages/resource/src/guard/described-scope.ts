/** A scope in words for users. */
export interface DescribedScope {
  /** What it lets an agent do. */
  readonly description: string
  /**
   * It is far-reaching: auth servers warn users of it, and do not choose it before the user does. Default false.
   * @see protocol §6.3
   */
  readonly grave?: boolean
}

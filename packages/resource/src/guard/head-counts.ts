/** How a head counts as a failure of its network. */
export interface HeadCount {
  /** What takes it back, once that verifies: the head, so that a body which never comes does not count, or the whole request. */
  by: 'head' | 'request'
  isTakenBack: boolean
  takeBack(): void
}

/** The counts of heads, by their proof. */
export type HeadCounts = WeakMap<object, HeadCount>

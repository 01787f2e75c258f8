/** How much a bounded room holds, in all and of the one who asks, and may hold. */
export interface RoomShare {
  readonly inAll: number
  readonly own: number
  readonly capacity: number
  /** What one may hold: mostly a tenth of `capacity`. */
  readonly share: number
}

/**
 * Whether a bounded room that strangers fill has a place more for one of them. Nine tenths of it are open to all, up to the share of
 * each; the last tenth only to those that hold less than a thousandth, so that nine of them together cannot lock out a tenth that has
 * hardly asked for anything (DOS-17, DOS-18).
 */
export function hasShare({ inAll, own, capacity, share }: RoomShare): boolean {
  if (inAll >= capacity || own >= share) return false
  return inAll < capacity * 0.9 || own < capacity / 1000
}

/** The entries of a bounded room, all and those of one caller, and their limits. */
export interface RoomShare {
  readonly inAll: number
  readonly own: number
  readonly capacity: number
  /** Most entries of one caller, usually a tenth of `capacity`. */
  readonly share: number
}

/**
 * Whether a bounded room has a place for one more entry of a caller. Nine tenths of the room are open to all callers, each up to its
 * share. The last tenth is open only to callers with less than a thousandth of the room, so that a few callers together cannot lock out
 * one that has hardly any entries (DOS-17, DOS-18).
 */
export function hasShare({ inAll, own, capacity, share }: RoomShare): boolean {
  if (inAll >= capacity || own >= share) return false
  return inAll < capacity * 0.9 || own < capacity / 1000
}

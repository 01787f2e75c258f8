import { errorFields } from '@countersign/protocol'
import type { Logger, Participant } from '@countersign/server'

/** A participant that another can take the place of while requests are under way. */
export interface Swappable {
  readonly participant: Participant
  /** New requests go to `next`; the one before is closed when its last request is answered. */
  swap(next: Participant): void
}

interface Place {
  readonly participant: Participant
  active: number
  retired: boolean
}

/**
 * Makes a participant that others can take the place of, one after the other.
 * @param onError told what closing one of before has thrown
 */
export function swappable(first: Participant, onError: (error: unknown) => void): Swappable {
  const placeOf = (participant: Participant): Place => ({ participant, active: 0, retired: false })
  let current = placeOf(first)
  const ended = (place: Place): void => {
    if (place.retired && place.active === 0) void Promise.resolve(place.participant.close?.()).catch(onError)
  }
  return {
    participant: {
      async handle(message) {
        const place = current
        place.active += 1
        try {
          return await place.participant.handle(message)
        } finally {
          place.active -= 1
          ended(place)
        }
      },
      ready: async () => current.participant.ready?.(),
      close: async () => current.participant.close?.(),
    },
    swap(next) {
      const before = current
      current = placeOf(next)
      before.retired = true
      ended(before)
    },
  }
}

/** Tells in the log that what ran before a reload did not close. */
export function notClosed(log: Pick<Logger, 'error'>): (error: unknown) => void {
  return error => log.error({ event: 'reload', cause: errorFields(error) }, 'what ran before the reload did not close')
}

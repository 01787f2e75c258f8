import { errorFields } from '@countersign/protocol/internal'
import type { Logger, Participant } from '@countersign/server'

/** A participant that can be replaced while requests are running. */
export interface Swappable {
  readonly participant: Participant
  /** Sends new requests to `next`; the old participant is closed after its last request. */
  swap(next: Participant): void
}

interface Place {
  readonly participant: Participant
  active: number
  retired: boolean
}

/**
 * Makes a participant that can be replaced.
 * @param onError receives the error of an old participant that did not close
 */
export function swappable(first: Participant, onError: (error: unknown) => void): Swappable {
  const placeOf = (participant: Participant): Place => ({ participant, active: 0, retired: false })
  let current = placeOf(first)
  const closeIfIdle = (place: Place): void => {
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
          closeIfIdle(place)
        }
      },
      ready: async () => current.participant.ready?.(),
      close: async () => current.participant.close?.(),
    },
    swap(next) {
      const before = current
      current = placeOf(next)
      before.retired = true
      closeIfIdle(before)
    },
  }
}

/** Logs that the participant before a reload did not close. */
export function logNotClosed(log: Pick<Logger, 'error'>): (error: unknown) => void {
  return error =>
    log.error({ event: 'reload', cause: errorFields(error) }, 'the server before the reload did not close')
}
